//! What the exporter asked, as the server logged it.

use std::fs;

use coder_agent_exporter::demo::cluster::Options;

use super::{Coder, Exporter, prepared};

/// A Coder whose server logs every statement with the name of its application.
pub(crate) async fn logging_coder() -> Coder {
    let settings = ["log_statement = all", "log_line_prefix = '[%a] '"];
    Coder::on(Options {
        settings: settings.map(String::from).to_vec(),
        ..prepared()
    })
    .await
}

/// The statements of one scrape of a connected exporter, in which every collector loads.
pub(crate) async fn statements_of_a_scrape(coder: &Coder, exporter: &Exporter) -> Vec<String> {
    let before = statements(coder).len();
    let page = exporter.scrape().await;
    page.assert_every_collector_loaded();
    statements(coder).split_off(before)
}

/// The exporter's messages to the server so far. What follows the first line of a statement is
/// without prefix: it belongs to the message before.
pub(crate) fn statements(coder: &Coder) -> Vec<String> {
    let log = fs::read_to_string(coder.cluster().folder().join("log")).unwrap();
    let mut statements: Vec<String> = Vec::new();
    let mut ours = false;
    for line in log.lines() {
        if line.starts_with('[') {
            let message = line.strip_prefix("[coder-agent-exporter] LOG:  ");
            ours = message.is_some();
            statements.extend(message.map(String::from));
        } else if let Some(statement) = statements.last_mut().filter(|_| ours) {
            statement.push('\n');
            statement.push_str(line);
        }
    }
    statements
}

/// The parameters of the exporter's last statement with this text.
pub(crate) fn parameters_of(coder: &Coder, text: &str) -> String {
    let log = fs::read_to_string(coder.cluster().folder().join("log")).unwrap();
    let (_, after) = log.rsplit_once(text).expect("the statement was asked");
    let mut details = after.lines().filter_map(|it| it.split_once("DETAIL:"));
    details.next().map(|it| it.1.to_owned()).unwrap_or_default()
}
