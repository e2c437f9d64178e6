//! The flags `--collector.<name>` and `--no-collector.<name>` of each collector.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::fleet::model::label_value::Variants;
use crate::fleet::stats::collection::Collector;

use super::values::boolean;

/// The enabled collectors. All are enabled by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorArgs {
    /// Enabled collectors, in the order in which they run.
    pub enabled: Vec<Collector>,
}

fn on(collector: Collector) -> String {
    format!("collector.{}", collector.as_str())
}

fn off(collector: Collector) -> String {
    format!("no-collector.{}", collector.as_str())
}

impl Args for CollectorArgs {
    fn augment_args(command: Command) -> Command {
        Collector::DEFAULT
            .iter()
            .fold(command, |command, &collector| {
                let name = collector.as_str();
                let variable = format!("CODER_EXPORTER_COLLECTOR_{}", name.to_uppercase());
                let switch = Arg::new(on(collector))
                    .long(on(collector))
                    .env(variable)
                    .value_name("true|false")
                    .value_parser(boolean)
                    .num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value("true")
                    .default_value("true")
                    .overrides_with(off(collector))
                    .help_heading("Collectors")
                    .help(format!(
                        "Enable the {name} collector; --no-collector.{name} disables it"
                    ));
                let no = Arg::new(off(collector))
                    .long(off(collector))
                    .action(ArgAction::SetTrue)
                    .overrides_with(on(collector))
                    .hide(true);
                command.arg(switch).arg(no)
            })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for CollectorArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_on = |collector: &&Collector| {
            let refused = off(**collector);
            // Only the command line can refuse; what stands there beats the environment.
            let refused = matches.get_flag(&refused)
                && matches.value_source(&refused) == Some(ValueSource::CommandLine);
            let wanted = matches.get_one::<bool>(&on(**collector)).copied();
            !refused && wanted.unwrap_or(true)
        };
        let enabled = Collector::DEFAULT.iter().filter(is_on).copied().collect();
        Ok(Self { enabled })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enabled(arguments: &[&str]) -> Vec<Collector> {
        let command = CollectorArgs::augment_args(Command::new("test"));
        let matches = command.get_matches_from([&["test"], arguments].concat());
        CollectorArgs::from_arg_matches(&matches).unwrap().enabled
    }

    fn all_but(collector: Collector) -> Vec<Collector> {
        let others = Collector::DEFAULT.iter().filter(|&&it| it != collector);
        others.copied().collect()
    }

    #[test]
    fn all_are_on_until_one_is_switched_off() {
        assert_eq!(enabled(&[]), Collector::DEFAULT);
        let no_apps = all_but(Collector::Apps);
        assert_eq!(enabled(&["--no-collector.apps"]), no_apps);
        assert_eq!(enabled(&["--collector.apps=false"]), no_apps);
        let no_agents = all_but(Collector::Agents);
        assert_eq!(enabled(&["--no-collector.agents"]), no_agents);
        let changed_mind = ["--no-collector.apps", "--collector.apps"];
        assert_eq!(enabled(&changed_mind), Collector::DEFAULT);
    }
}
