//! Servers that speak TLS only.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use coder_agent_exporter::demo::cluster::{Listen, Options};

use super::certificates::{Authority, Paper};
use super::{Coder, Exporter, agent, prepared, workspace};

/// A server that speaks TLS only, with one agent in its Coder, and files for the exporter.
pub(crate) struct Secured {
    pub(crate) coder: Coder,
}

impl Secured {
    /// One with this certificate that trusts every client.
    pub(crate) async fn new(paper: Paper) -> Self {
        Self::of(paper, "trust", Vec::new(), &[]).await
    }

    /// As [`new`](Self::new), with these settings.
    pub(crate) async fn with(paper: Paper, settings: &[&str]) -> Self {
        Self::of(paper, "trust", Vec::new(), settings).await
    }

    /// One that lets in by this method of `pg_hba.conf` whom a client certificate from
    /// `clients` allows to.
    pub(crate) async fn asking(paper: Paper, method: &str, clients: &Authority) -> Self {
        let authority = clients.certificate.clone().into_bytes();
        Self::of(paper, method, vec![("clients.crt".into(), authority)], &[]).await
    }

    async fn of(
        paper: Paper,
        method: &str,
        mut files: Vec<(String, Vec<u8>)>,
        settings: &[&str],
    ) -> Self {
        let mut settings: Vec<_> = settings.iter().map(ToString::to_string).collect();
        settings.push("ssl = on".to_owned());
        if !files.is_empty() {
            settings.push("ssl_ca_file = 'clients.crt'".into());
        }
        files.push(("server.crt".into(), paper.certificate.into_bytes()));
        files.push(("server.key".into(), paper.key.into_bytes()));
        let coder = Coder::on(Options {
            listen: Listen::SocketAndTcp,
            settings,
            hba: Some(format!(
                "local all all trust\nhostssl all all 127.0.0.1/32 {method}\n"
            )),
            files,
            ..prepared()
        })
        .await;
        coder.add(workspace("box").agent(agent("main"))).await;
        Self { coder }
    }

    /// Writes a file that only we may open and that goes with the server's folder.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        self.file_of_mode(name, text, 0o600)
    }

    /// As [`file`](Self::file), open to others as its mode says.
    pub(crate) fn file_of_mode(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.coder.cluster().folder().join(name);
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(mode);
        let mut file = options.open(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        path
    }

    /// An sslrootcert option that names this authority's certificate.
    pub(crate) fn trusting(&self, authority: &Authority) -> String {
        self.trusting_only(&authority.certificate)
    }

    /// An sslrootcert option that names this certificate.
    pub(crate) fn trusting_only(&self, certificate: &str) -> String {
        let path = self.file("trusted.pem", certificate);
        format!("&sslrootcert={}", path.display())
    }

    /// The options that name this client's certificate and key.
    pub(crate) fn showing(&self, paper: &Paper) -> String {
        let certificate = self.file("client.crt", &paper.certificate);
        let key = self.file("client.key", &paper.key);
        let (certificate, key) = (certificate.display(), key.display());
        format!("&sslcert={certificate}&sslkey={key}")
    }

    /// The URL of this server by this host name.
    pub(crate) fn url(&self, host: &str, options: &str) -> String {
        let Coder { role, database, .. } = &self.coder;
        let port = self.coder.cluster().port();
        format!("postgres://{role}@{host}:{port}/{database}?{options}")
    }

    /// What the exporter says of this server by this host name: nothing when it is up, else
    /// the kinds of errors.
    pub(crate) async fn errors(&self, host: &str, options: &str) -> Vec<String> {
        self.verdict(host, options).await.0
    }

    /// As [`errors`](Self::errors), with the sentence that goes with them.
    pub(crate) async fn verdict(&self, host: &str, options: &str) -> (Vec<String>, String) {
        let exporter = Exporter::start(&self.url(host, options), |_| {}).await;
        let page = exporter.scrape().await;
        let up = page.value("coder_exporter_up", &[]) == 1.0;
        assert_eq!(up, page.get("coder_agents", &[]) == Some(1.0));
        let errors = page.samples("coder_exporter_errors_total", &[]);
        let errors = errors.filter(|it| it.value > 0.0);
        let kinds: Vec<_> = errors
            .map(|it| it.label("kind").unwrap().to_owned())
            .collect();
        assert_eq!(up, kinds.is_empty());
        (kinds, exporter.get("/-/ready").await.body)
    }
}
