//! Charts with logarithmic axes, as SVG that is readable on light and on dark.

use std::fmt::Write;

pub(crate) struct Chart {
    /// What its x axis counts.
    pub(crate) title: String,
    pub(crate) lines: Vec<Line>,
}

pub(crate) struct Line {
    pub(crate) name: String,
    /// How many, and how many seconds; the fewest first.
    pub(crate) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 88.0;
const TOP: f64 = 48.0;
/// Between two charts, and below them for the names of the lines.
const GAP: f64 = 72.0;
const LEGEND_ROW: f64 = 18.0;

/// Apart for whoever sees no red or green, and from either background.
const COLOURS: [&str; 6] = [
    "#0a84c6", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#7f7f7f",
];

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#24292f}\
.grid{stroke:#8c959f;stroke-opacity:.35}.line{fill:none;stroke-width:2}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}}";

/// All charts side by side, with one legend.
pub(crate) fn svg(charts: &[Chart]) -> String {
    let count = charts.len() as f64;
    let names = charts.first().map_or(&[][..], |it| &it.lines);
    let width = count * (LEFT + WIDTH) + GAP / 2.0;
    let height = TOP + HEIGHT + GAP + LEGEND_ROW * names.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" aria-label=\"Seconds of a scrape by size of the fleet\"><style>{STYLE}</style>\n"
    );
    for (index, chart) in charts.iter().enumerate() {
        let left = LEFT + index as f64 * (LEFT + WIDTH);
        let _ = writeln!(svg, "<g transform=\"translate({left} {TOP})\">");
        draw(&mut svg, chart);
        svg.push_str("</g>\n");
    }
    for (index, line) in names.iter().enumerate() {
        let y = TOP + HEIGHT + GAP * 0.8 + LEGEND_ROW * index as f64;
        let colour = COLOURS[index % COLOURS.len()];
        let name = escaped(&line.name);
        let _ = writeln!(
            svg,
            "<path class=\"line\" stroke=\"{colour}\" d=\"M{LEFT} {} h24\"/>\
             <text x=\"{}\" y=\"{y}\">{name}</text>",
            y - 4.0,
            LEFT + 32.0
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw(svg: &mut String, chart: &Chart) {
    let points = || chart.lines.iter().flat_map(|it| &it.points);
    let (Some(x), Some(y)) = (
        Axis::of(points().map(|it| it.0), WIDTH),
        Axis::of(points().map(|it| it.1), HEIGHT),
    ) else {
        return;
    };
    let title = escaped(&chart.title);
    let _ = writeln!(
        svg,
        "<text x=\"0\" y=\"-24\" font-weight=\"600\">Seconds a scrape by {title}</text>"
    );
    for tick in x.ticks() {
        let at = x.place(tick);
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{at:.1} 0 V{HEIGHT}\"/>\
             <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{tick}</text>",
            HEIGHT + 18.0
        );
    }
    for tick in y.ticks() {
        let at = HEIGHT - y.place(tick);
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M0 {at:.1} H{WIDTH}\"/>\
             <text x=\"-8\" y=\"{:.1}\" text-anchor=\"end\">{tick} s</text>",
            at + 4.0
        );
    }
    for (index, line) in chart.lines.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let place = |(many, seconds): &(f64, f64)| (x.place(*many), HEIGHT - y.place(*seconds));
        let places: Vec<_> = line.points.iter().map(place).collect();
        let path: Vec<String> = places
            .iter()
            .map(|(x, y)| format!("{x:.1} {y:.1}"))
            .collect();
        if !path.is_empty() {
            let path = path.join(" L");
            let _ = writeln!(
                svg,
                "<path class=\"line\" stroke=\"{colour}\" d=\"M{path}\"/>"
            );
        }
        for (x, y) in places {
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
            );
        }
    }
}

/// Whole powers of ten around all values.
struct Axis {
    first: i32,
    last: i32,
    length: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>, length: f64) -> Option<Self> {
        let logarithms: Vec<f64> = values.map(f64::log10).collect();
        let least = logarithms.iter().copied().min_by(f64::total_cmp)?;
        let most = logarithms.iter().copied().max_by(f64::total_cmp)?;
        let first = least.floor() as i32;
        let last = (most.ceil() as i32).max(first + 1);
        Some(Self {
            first,
            last,
            length,
        })
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        // Read from text: powers of ten by multiplication are not exactly what they are called.
        (self.first..=self.last).filter_map(|it| format!("1e{it}").parse().ok())
    }

    fn place(&self, value: f64) -> f64 {
        let share = (value.log10() - f64::from(self.first)) / f64::from(self.last - self.first);
        share * self.length
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}
