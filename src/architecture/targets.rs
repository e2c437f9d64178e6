//! Every target of `docs/spec/performance.md` has a verdict in the benchmark.

use std::fs;

use super::root;

#[test]
fn benchmark_says_of_every_target_whether_it_is_met() {
    let page = fs::read_to_string(root().join("docs/spec/performance.md")).unwrap();
    let bench = fs::read_to_string(root().join("benches/side_by_side/targets.rs")).unwrap();
    let (_, table) = page
        .split_once("| what | target |\n| --- | --- |\n")
        .unwrap();
    let rows = table.lines().map_while(|it| it.strip_prefix("| "));
    let names: Vec<_> = rows
        .filter_map(|it| Some(it.split_once(" | ")?.0))
        .collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        let quoted = format!("\"{name}\"");
        assert!(bench.contains(&quoted), "no verdict about: {name}");
    }
}
