//! The reader refuses what it should: a strict reader that lets things pass proves nothing.

use super::{Format, Page};

const TEXT: &str = "\
# HELP fruits Pieces in the basket
# TYPE fruits gauge
fruits{sort=\"apple\",from=\"a \\\"b\\\" \\\\ c\\nd\"} 3
fruits{sort=\"pear\",from=\"\"} -Inf
# HELP eaten_total Pieces eaten
# TYPE eaten_total counter
eaten_total 1.5
";

const OPENMETRICS: &str = "\
# HELP eaten Pieces eaten
# TYPE eaten counter
eaten_total 1
# HELP build Version
# TYPE build info
build_info{version=\"1\"} 1
# EOF
";

#[track_caller]
fn refused(format: Format, text: &str, why: &str) {
    let error = Page::read(format, text).err();
    let error = error.unwrap_or_else(|| panic!("accepted, and should not be: {text}"));
    assert!(error.contains(why), "{error}");
}

/// A page of one gauge family with these sample lines.
fn gauge(lines: &str) -> String {
    format!("# HELP g Help\n# TYPE g gauge\n{lines}\n")
}

#[test]
fn strict_reader_reads_both_formats() {
    let page = Page::read(Format::Text, TEXT).unwrap();
    assert_eq!(page.value("fruits", &[("sort", "apple")]), 3.0);
    let apple = page.samples("fruits", &[("sort", "apple")]).next().unwrap();
    assert_eq!(apple.label("from"), Some("a \"b\" \\ c\nd"));
    assert_eq!(page.families[1].kind, "counter");
    assert!(!page.has("vegetables"));

    let page = Page::read(Format::OpenMetrics, OPENMETRICS).unwrap();
    assert_eq!(page.value("eaten_total", &[]), 1.0);
    assert_eq!(page.value("build_info", &[("version", "1")]), 1.0);
    Page::read(Format::OpenMetrics, "# EOF\n").unwrap();
}

#[test]
fn values_sum_over_every_label_not_named() {
    let text = gauge("g{a=\"1\",b=\"1\"} 1\ng{a=\"1\",b=\"2\"} 2\ng{a=\"2\",b=\"1\"} 4");
    let page = Page::read(Format::Text, &text).unwrap();
    assert_eq!(page.value("g", &[("a", "1")]), 3.0);
    assert_eq!(page.value("g", &[("b", "1")]), 5.0);
    assert_eq!(page.get("g", &[("a", "3")]), None);
}

#[test]
fn strict_reader_refuses_what_is_there_twice() {
    let text = Format::Text;
    refused(
        text,
        &gauge("g{a=\"1\",b=\"2\"} 1\ng{b=\"2\",a=\"1\"} 1"),
        "before",
    );
    refused(text, &gauge("g{a=\"1\",a=\"1\"} 1"), "twice");
    refused(text, &(gauge("g 1") + &gauge("g{a=\"1\"} 1")), "before");
    refused(text, "# HELP g Help\n# HELP g Help\n", "no samples");
    refused(
        text,
        "# HELP g Help\n# TYPE g gauge\n# TYPE g gauge\n",
        "two types",
    );
}

#[test]
fn strict_reader_refuses_families_out_of_order() {
    let text = Format::Text;
    refused(text, "g 1\n", "before any family");
    refused(text, "# HELP g Help\ng 1\n", "no type");
    refused(text, "# TYPE g gauge\ng 1\n", "does not follow the HELP");
    refused(text, &gauge("h 1"), "no sample of");
    refused(text, "# HELP g Help\n# TYPE g gauge\n", "no samples");
    let torn = gauge("g{a=\"1\"} 1") + &gauge("h 1").replace(" g ", " h ") + "g{a=\"2\"} 1\n";
    refused(text, &torn, "no sample of");
}

#[test]
fn strict_reader_refuses_bad_escapes_names_and_numbers() {
    for (line, why) in [
        ("g{a=\"\\t\"} 1", "no escape"),
        ("g{a=\"open} 1", "does not end"),
        ("g{a=\"\n\"} 1", "does not end"),
        ("g{a=\"1\",} 1", "without a value"),
        ("g{} 1", "without a value"),
        ("g{1a=\"1\"} 1", "not a label name"),
        ("g{__a=\"1\"} 1", "not a label name"),
        ("g{a=\"1\"}1", "no space"),
        ("g  1", "not a number"),
        ("g 1 1700000000", "not a number"),
        ("g inf", "not a number"),
        ("g nan", "not a number"),
        ("g 0x10", "not a number"),
        ("g", "no number"),
        ("", "neither"),
        ("# a remark", "neither"),
    ] {
        refused(Format::Text, &gauge(line), why);
    }
    refused(
        Format::Text,
        "# HELP g Help\n# TYPE g info\ng 1\n",
        "not a type",
    );
    refused(
        Format::Text,
        "# HELP g Help\n# TYPE g gauge\ng 1",
        "no newline",
    );
    refused(
        Format::Text,
        &gauge("g 1")
            .replace("gauge", "counter")
            .replace(" 1", " -1"),
        "negative",
    );
}

#[test]
fn strict_reader_refuses_openmetrics_that_is_cut_short_or_goes_on() {
    let openmetrics = Format::OpenMetrics;
    let cut = OPENMETRICS.strip_suffix("# EOF\n").unwrap();
    refused(openmetrics, cut, "# EOF");
    refused(openmetrics, OPENMETRICS.trim_end(), "# EOF");
    refused(
        openmetrics,
        &format!("{OPENMETRICS}{OPENMETRICS}"),
        "neither",
    );
    let bare = OPENMETRICS.replace("eaten_total", "eaten");
    refused(openmetrics, &bare, "no sample of counter");
    refused(
        openmetrics,
        &OPENMETRICS.replace("\"1\"} 1", "\"1\"} 2"),
        "not 1",
    );
}

const HISTOGRAM: &str = "\
# HELP h Ages
# TYPE h histogram
h_bucket{a=\"1\",le=\"1.0\"} 2
h_bucket{a=\"1\",le=\"2.5\"} 2
h_bucket{a=\"1\",le=\"+Inf\"} 3
h_count{a=\"1\"} 3
h_sum{a=\"1\"} 9.5
";

#[test]
fn strict_reader_refuses_histograms_that_do_not_add_up() {
    let page = Page::read(Format::Text, HISTOGRAM).unwrap();
    assert_eq!(page.value("h_bucket", &[("le", "2.5")]), 2.0);
    for (wrong, by, why) in [
        ("2.5", "0.5", "does not ascend"),
        ("2.5", "1.0", "before"),
        ("2.5", "2.50", "usual form"),
        ("2.5", "two", "no bound"),
        (",le=\"2.5\"", "", "without a bound"),
        ("\"2.5\"} 2", "\"2.5\"} 1", "counts less"),
        (
            "h_bucket{a=\"1\",le=\"+Inf\"} 3\n",
            "",
            "no bucket up to +Inf",
        ),
        ("h_count{a=\"1\"} 3\n", "", "not exactly"),
        ("h_sum{a=\"1\"} 9.5\n", "", "not exactly"),
        (
            "h_count{a=\"1\"} 3",
            "h_count{a=\"1\"} 2",
            "not the last bucket's",
        ),
        ("9.5", "+Inf", "the sum of"),
        ("h_count{a=\"1\"} 3", "h_count{a=\"2\"} 3", "not exactly"),
    ] {
        refused(Format::Text, &HISTOGRAM.replacen(wrong, by, 1), why);
    }
    let other = "h_bucket{a=\"2\",le=\"+Inf\"} 0\nh_count{a=\"2\"} 0\nh_sum{a=\"2\"} 0\n";
    let torn = HISTOGRAM.replace(
        "h_bucket{a=\"1\",le=\"2.5\"}",
        &format!("{other}h_bucket{{a=\"1\",le=\"2.5\"}}"),
    );
    refused(Format::Text, &torn, "no bucket up to +Inf");
    let gauges = HISTOGRAM.replace(" histogram", " gaugehistogram") + "# EOF\n";
    refused(Format::OpenMetrics, &gauges, "no sample of gaugehistogram");
    let gauges = gauges.replace("_count", "_gcount").replace("_sum", "_gsum");
    Page::read(Format::OpenMetrics, &gauges).unwrap();
}
