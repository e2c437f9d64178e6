//! A list of the codes of all members of a population.

/// The code of a member that has no value.
pub const NONE: u32 = u32::MAX;

/// The same in two bytes.
const SHORT_NONE: u16 = u16::MAX;

/// A code for each member, of two bytes for as long as all of them fit: there are a handful of lists
/// of all agents, and most dimensions have few values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeList {
    /// Codes below 65,535, and [`NONE`].
    Short(Vec<u16>),
    /// Any codes.
    Long(Vec<u32>),
}

impl CodeList {
    /// An empty list, with room for so many short codes.
    pub fn with_capacity(room: usize) -> Self {
        Self::Short(Vec::with_capacity(room))
    }

    /// Adds the code of the next member.
    pub fn push(&mut self, code: u32) {
        match self {
            Self::Long(codes) => codes.push(code),
            Self::Short(codes) => match u16::try_from(code) {
                Ok(short) if short != SHORT_NONE => codes.push(short),
                _ if code == NONE => codes.push(SHORT_NONE),
                _ => {
                    let mut long = Vec::with_capacity(codes.capacity().max(codes.len() + 1));
                    long.extend(codes.iter().map(|it| lengthened(*it)));
                    long.push(code);
                    *self = Self::Long(long);
                }
            },
        }
    }

    /// The code of a member; [`NONE`] where there is no such member.
    pub fn get(&self, member: u32) -> u32 {
        let index = member as usize;
        match self {
            Self::Short(codes) => codes.get(index).map_or(NONE, |it| lengthened(*it)),
            Self::Long(codes) => codes.get(index).copied().unwrap_or(NONE),
        }
    }

    /// How many members there are.
    pub fn members(&self) -> u32 {
        let len = match self {
            Self::Short(codes) => codes.len(),
            Self::Long(codes) => codes.len(),
        };
        // There are no more members than agents and workspaces together.
        len as u32
    }
}

impl FromIterator<u32> for CodeList {
    fn from_iter<I: IntoIterator<Item = u32>>(codes: I) -> Self {
        let codes = codes.into_iter();
        let mut list = Self::with_capacity(codes.size_hint().0);
        codes.for_each(|it| list.push(it));
        list
    }
}

fn lengthened(code: u16) -> u32 {
    match code {
        SHORT_NONE => NONE,
        code => code.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stay_the_same_when_they_become_too_many_for_two_bytes() {
        let mut list: CodeList = [0, NONE, 65_534].into_iter().collect();
        assert!(matches!(list, CodeList::Short(_)));
        for more in [65_535, 1, NONE, NONE - 1] {
            list.push(more);
        }
        assert!(matches!(list, CodeList::Long(_)));
        let codes: Vec<u32> = (0..list.members()).map(|it| list.get(it)).collect();
        assert_eq!(codes, [0, NONE, 65_534, 65_535, 1, NONE, NONE - 1]);
        assert_eq!(list.get(7), NONE);
    }
}
