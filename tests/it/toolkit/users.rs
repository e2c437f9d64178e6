//! Who is let in.

use super::*;

/// User and password as curl takes them; the status; where we differ.
const USERS: [(&[&str], u16, &str); 6] = [
    (&[], 401, SAME),
    (&["-u", "alice:alice123"], 200, SAME),
    (&["-u", "alice:alice1234"], 401, SAME),
    (&["-u", "bob:bob123"], 200, SAME),
    (&["-u", "alice:bob123"], 401, SAME),
    (&["-u", "nonexistent:nonexistent"], 401, SAME),
];

#[tokio::test]
async fn users_are_let_in_by_their_own_password_however_often_they_ask() {
    let folder = Folder::new();
    let file = format!(
        "basic_auth_users:\n{}{}",
        user("alice", "alice123"),
        user("bob", "bob123")
    );
    let exporter = serving(&folder, &file).await;
    let url = format!("http://{}/metrics", exporter.address);
    // The second time some are remembered.
    for _ in 0..2 {
        for (how, expected, _) in USERS {
            let answer = curl(&[how, &[url.as_str()]].concat()).await;
            assert_eq!(answer.status, expected, "{how:?}");
        }
    }
}
