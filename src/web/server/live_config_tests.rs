use std::fs;

use uuid::Uuid;

use crate::web::server::live_config::*;

const HASH: &str = "$2b$04$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW";

/// A folder with a web configuration in it.
struct Folder(PathBuf);

impl Folder {
    fn new(config: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("web-config-{}", Uuid::new_v4()));
        fs::create_dir(&folder).unwrap();
        let folder = Self(folder);
        folder.write("web.yml", config);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn load(&self) -> Result<LiveConfig, String> {
        LiveConfig::load(Some(&self.0.join("web.yml")))
    }

    /// A certificate and its key, as a pair of files.
    fn certify(&self) {
        let certified = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        self.write("server.crt", &certified.cert.pem());
        self.write("server.key", &certified.signing_key.serialize_pem());
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn header(live: &LiveConfig) -> Option<String> {
    let current = live.current();
    let (_, value) = current.headers.first()?;
    Some(value.to_str().unwrap().to_owned())
}

fn frame_options(value: &str) -> String {
    format!("http_server_config: {{headers: {{X-Frame-Options: {value}}}}}\n")
}

const TLS: &str = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n";

async fn look_again() {
    tokio::time::advance(LOOK).await;
}

#[tokio::test(start_paused = true)]
async fn change_is_seen_within_a_second() {
    let folder = Folder::new(&frame_options("deny"));
    let live = folder.load().unwrap();
    assert_eq!(header(&live).as_deref(), Some("deny"));
    folder.write("web.yml", &frame_options("sameorigin"));
    assert_eq!(
        header(&live).as_deref(),
        Some("deny"),
        "it looks once a second"
    );
    look_again().await;
    assert_eq!(header(&live).as_deref(), Some("sameorigin"));
}

#[tokio::test(start_paused = true)]
async fn broken_file_leaves_the_last_good_one_in_force_and_is_told() {
    let folder = Folder::new(&frame_options("deny"));
    let live = folder.load().unwrap();
    assert!(live.is_current());
    folder.write("web.yml", "http_server_config: {headers: 7");
    look_again().await;
    assert!(!live.is_current());
    assert_eq!(header(&live).as_deref(), Some("deny"));
    assert!(live.reread().is_err());
    folder.write("web.yml", &frame_options("sameorigin"));
    look_again().await;
    assert!(live.is_current());
    assert_eq!(header(&live).as_deref(), Some("sameorigin"));
}

#[tokio::test(start_paused = true)]
async fn renewed_certificate_is_taken_once_its_key_is_there_too() {
    let folder = Folder::new(TLS);
    folder.certify();
    let live = folder.load().unwrap();
    let first = live.current();
    let other = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    folder.write("server.crt", &other.cert.pem());
    look_again().await;
    assert!(!live.is_current(), "the key does not fit");
    assert!(Arc::ptr_eq(&first, &live.current()));
    folder.write("server.key", &other.signing_key.serialize_pem());
    look_again().await;
    assert!(live.is_current());
    assert!(!Arc::ptr_eq(&first, &live.current()));
}

#[tokio::test(start_paused = true)]
async fn file_that_is_emptied_opens_nothing() {
    let folder = Folder::new(&format!("{TLS}basic_auth_users: {{alice: {HASH}}}\n"));
    folder.certify();
    let live = folder.load().unwrap();
    for open in ["", TLS, &format!("basic_auth_users: {{alice: {HASH}}}\n")] {
        folder.write("web.yml", open);
        let problem = live.reread().unwrap_err();
        assert!(problem.contains("restart"), "{problem}");
        let current = live.current();
        assert!(current.tls.is_some() && !current.users.is_empty());
    }
    fs::remove_file(folder.0.join("web.yml")).unwrap();
    assert!(live.reread().is_err() && live.current().tls.is_some());
}

#[tokio::test]
async fn problems_name_the_file() {
    let missing = LiveConfig::load(Some(Path::new("/does/not/exist.yml"))).unwrap_err();
    assert!(missing.starts_with("/does/not/exist.yml: "), "{missing}");
    let folder = Folder::new(TLS);
    let problem = folder.load().unwrap_err();
    assert!(problem.contains("server.crt"), "{problem}");
    folder.certify();
    folder.write("server.key", "hunter2");
    let problem = folder.load().unwrap_err();
    assert!(
        problem.contains("server.key") && !problem.contains("hunter2"),
        "{problem}"
    );
}

#[tokio::test]
async fn what_is_not_offered_is_warned_of_or_refused() {
    let folder = Folder::new("");
    folder.certify();
    for (rest, outcome) in [
        (
            "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]",
            Ok(0),
        ),
        ("cipher_suites: [TLS_AES_128_GCM_SHA256]", Ok(0)),
        ("cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]", Ok(1)),
        ("cipher_suites: [ROT13]", Err("ROT13")),
        (
            "max_version: TLS12, cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]",
            Err("TLS12"),
        ),
        ("curve_preferences: [CurveP521, X25519]", Ok(1)),
        ("curve_preferences: [CurveP521]", Err("CurveP256")),
        ("curve_preferences: [Curve9]", Err("Curve9")),
        ("min_version: TLS10", Ok(1)),
    ] {
        let pair = "cert_file: server.crt, key_file: server.key";
        folder.write("web.yml", &format!("tls_server_config: {{{pair}, {rest}}}"));
        match (folder.load(), outcome) {
            (Ok(live), Ok(warnings)) => {
                assert_eq!(live.current().warnings.len(), warnings, "{rest}");
            }
            (Err(problem), Err(said)) => assert!(problem.contains(said), "{problem}"),
            (found, _) => panic!("{rest}: {found:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn file_that_is_cut_off_before_its_client_certificates_opens_nothing() {
    let lines = [
        "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n",
        "  client_ca_file: server.crt\n  client_auth_type: RequireAndVerifyClientCert\n",
        "  client_allowed_sans: [prometheus.example]\n",
    ];
    let folder = Folder::new(&lines.concat());
    folder.certify();
    let live = folder.load().unwrap();
    for kept in 0..lines.len() {
        folder.write("web.yml", &lines[..kept].concat());
        look_again().await;
        assert!(!live.is_current(), "{kept} lines");
        assert!(live.describe().contains("RequireAndVerifyClientCert"));
    }
    folder.write("web.yml", &lines.concat());
    look_again().await;
    assert!(live.is_current());
}

#[tokio::test(start_paused = true)]
async fn reloads_that_bring_nothing_new_are_one_line() {
    let mut log = ReloadLog::default();
    assert_eq!(log.line(true), Some(1));
    for _ in 0..16_896 {
        assert_eq!(log.line(true), None);
    }
    assert_eq!(log.line(false), Some(16_897));
    tokio::time::advance(QUIET).await;
    assert_eq!(log.line(true), Some(1));
}
