//! Why a command failed.

use std::process::ExitCode;

use crate::config::SettingError;
use crate::config::args::ServeArgs;

use super::variables::FromVariables;
use super::{WRONG_SETTING, settings};

/// Why a command failed, which decides its exit code.
pub(super) enum CommandError {
    /// What is wrong with the settings.
    Settings(Vec<SettingError>),
    /// What else failed.
    Failed(anyhow::Error),
}

impl From<SettingError> for CommandError {
    fn from(error: SettingError) -> Self {
        Self::Settings(vec![error])
    }
}

impl From<anyhow::Error> for CommandError {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

impl CommandError {
    /// The same, with the variable that a wrong setting comes from.
    pub(super) fn naming(self, variables: &FromVariables) -> Self {
        match self {
            Self::Settings(errors) => {
                let errors = errors.into_iter().map(|it| variables.name(it));
                Self::Settings(errors.collect())
            }
            Self::Failed(_) => self,
        }
    }

    /// The same with everything else that is wrong with these settings.
    pub(super) fn with_others(self, args: &ServeArgs) -> Self {
        match self {
            Self::Settings(mut errors) => {
                let others = settings::wrong(args).into_iter();
                errors.extend(others.filter(|it| !errors.contains(it)).collect::<Vec<_>>());
                Self::Settings(errors)
            }
            Self::Failed(_) => self,
        }
    }

    /// What the command exits with.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Settings(_) => ExitCode::from(WRONG_SETTING),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

impl CommandError {
    /// A sentence for each thing that is wrong.
    pub(super) fn sentences(&self) -> Vec<String> {
        match self {
            Self::Settings(errors) => errors.iter().map(ToString::to_string).collect(),
            Self::Failed(error) => vec![format!("{error:#}")],
        }
    }
}
