//! What becomes of several measurements.

use std::time::Duration;

/// The middle of some times, and how far they spread.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    /// All of them in seconds, the smallest first.
    pub(crate) sorted: Vec<f64>,
}

impl Spread {
    /// `None` of nothing.
    pub(crate) fn of(times: &[Duration]) -> Option<Self> {
        let mut sorted: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
        sorted.sort_by(f64::total_cmp);
        (!sorted.is_empty()).then_some(Self { sorted })
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(0.5)
    }

    pub(crate) fn least(&self) -> f64 {
        self.at(0.0)
    }

    pub(crate) fn most(&self) -> f64 {
        self.at(1.0)
    }

    /// Between two of them where it falls between.
    fn at(&self, share: f64) -> f64 {
        let place = share * (self.sorted.len() - 1) as f64;
        let (below, above) = (place.floor() as usize, place.ceil() as usize);
        let part = place - place.floor();
        self.sorted[below] * (1.0 - part) + self.sorted[above] * part
    }
}

/// The power of x that y grows with: the slope of the straight line that fits the logarithms
/// best. `None` of fewer than two points.
pub(crate) fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    let count = points.len() as f64;
    let logarithms: Vec<_> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| logarithms.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|it| it.0), mean(|it| it.1));
    let product = logarithms.iter().map(|(x, y)| (x - mean_x) * (y - mean_y));
    let square = logarithms.iter().map(|(x, _)| (x - mean_x).powi(2));
    let (product, square) = (product.sum::<f64>(), square.sum::<f64>());
    (points.len() >= 2 && square > 0.0).then(|| product / square)
}
