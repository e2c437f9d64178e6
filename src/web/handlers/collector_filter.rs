//! `collect[]`: the collectors that a scrape asks for. Pure.

use percent_encoding::percent_decode_str;

use crate::fleet::model::label_value::Variants;
use crate::fleet::stats::collection::Collector;

/// The `enabled` collectors that `query` selects, in the order in which they run; all if it selects
/// none (`docs/spec/http.md`).
///
/// # Errors
///
/// When it selects a collector that is not enabled: a sentence with the enabled ones.
pub(crate) fn collectors(query: &str, enabled: &[Collector]) -> Result<Vec<Collector>, String> {
    let mut picked = Vec::new();
    let mut picks = false;
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !matches!(&*decoded(name), "collect[]" | "collect") {
            continue;
        }
        picks = true;
        let value = decoded(value);
        match enabled.iter().find(|it| it.as_str() == value) {
            Some(collector) => picked.push(*collector),
            None => return Err(unknown(enabled)),
        }
    }
    if !picks {
        return Ok(enabled.to_vec());
    }
    let is_picked = |it: &&Collector| picked.contains(it);
    Ok(enabled.iter().filter(is_picked).copied().collect())
}

/// The error message. It contains no part of the request.
fn unknown(enabled: &[Collector]) -> String {
    let names: Vec<_> = enabled.iter().map(|it| it.as_str()).collect();
    format!(
        "collect[] names an unknown or disabled collector; enabled: {}\n",
        names.join(", ")
    )
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fuzzing::fuzz;

    fn check(query: &str, expected: &[Collector]) {
        assert_eq!(
            collectors(query, Collector::ALL).unwrap(),
            expected,
            "{query}"
        );
    }

    #[test]
    fn query_picks_collectors_in_their_own_order() {
        check("", Collector::ALL);
        check("other=1", Collector::ALL);
        check("collect[]=apps", &[Collector::Apps]);
        let both = [Collector::Agents, Collector::Bindings];
        check(
            "collect[]=bindings&collect[]=agents&collect[]=agents",
            &both,
        );
        check("collect%5B%5D=%61gents&x", &[Collector::Agents]);
    }

    #[test]
    fn one_that_is_not_there_is_refused_with_those_there_are() {
        let enabled = [Collector::Agents, Collector::Apps];
        for query in [
            "collect[]=nonsense",
            "collect[]=",
            "collect[]=bindings",
            "collect[]=Apps",
        ] {
            let problem = collectors(query, &enabled).unwrap_err();
            assert!(problem.ends_with("agents, apps\n"), "{problem}");
        }
        let crlf = collectors("collect[]=%0d%0aSet-Cookie:x", &enabled).unwrap_err();
        assert!(!crlf.contains("Cookie"), "{crlf}");
    }

    proptest! {
        #[test]
        fn any_query_picks_some_of_the_enabled_or_is_refused(query in ".{0,80}") {
            if let Ok(picked) = collectors(&query, &Collector::ALL[1..]) {
                prop_assert!(!picked.is_empty());
                prop_assert!(picked.iter().all(|it| Collector::ALL[1..].contains(it)));
            }
        }

        #[test]
        fn whatever_is_picked_is_what_is_collected(picks in prop::collection::vec(0..Collector::ALL.len(), 1..20)) {
            let query: Vec<_> = picks.iter().map(|it| format!("collect[]={}", Collector::ALL[*it].as_str())).collect();
            let picked = collectors(&query.join("&"), Collector::ALL).unwrap();
            for (index, collector) in Collector::ALL.iter().enumerate() {
                prop_assert_eq!(picked.contains(collector), picks.contains(&index));
            }
        }
    }

    #[test]
    fn fuzzed_query_picks_collectors_or_repeats_nothing() {
        let good = [
            "collect[]=agents&collect[]=apps",
            "collect%5B%5D=hunter2",
            "a=b&collect=agents",
        ];
        fuzz(&good, |input| {
            match collectors(&String::from_utf8_lossy(input), Collector::ALL) {
                Ok(picked) => assert!(picked.len() <= Collector::ALL.len()),
                Err(problem) => assert!(!problem.contains("hunter2")),
            }
        });
    }
}
