//! Contenders that run in turn, and what each round showed of them.

use std::collections::BTreeMap;

use crate::rounds::Spread;

/// What one run of one contender showed, by the name of the measure.
pub(crate) type Sample = BTreeMap<&'static str, f64>;

/// The runs of a figure.
#[derive(Debug, Default)]
pub(crate) struct Contest {
    samples: BTreeMap<&'static str, Vec<Sample>>,
}

/// The name of ours in every contest.
pub(crate) const OURS: &str = "dragoman";

impl Contest {
    /// Adds a run, and says so.
    pub(crate) fn add(&mut self, contender: &'static str, sample: Sample) {
        let values: Vec<String> = sample
            .iter()
            .map(|(measure, value)| format!("{measure} {value:.1}"))
            .collect();
        eprintln!("bench:   {contender}: {}", values.join(", "));
        self.samples.entry(contender).or_default().push(sample);
    }

    /// The middle of a measure of a contender.
    pub(crate) fn median(&self, contender: &str, measure: &str) -> Option<f64> {
        Some(self.spread(contender, measure)?.median)
    }

    /// A measure of a contender.
    pub(crate) fn spread(&self, contender: &str, measure: &str) -> Option<Spread> {
        let samples = self.samples.get(contender)?;
        let values = samples.iter().filter_map(|sample| sample.get(measure));
        Spread::of(values.copied().collect())
    }

    /// Everything, by contender and measure.
    pub(crate) fn details(&self) -> BTreeMap<&'static str, BTreeMap<&'static str, Spread>> {
        let measures = |contender: &str, samples: &[Sample]| {
            samples
                .iter()
                .flat_map(Sample::keys)
                .filter_map(|measure| Some((*measure, self.spread(contender, measure)?)))
                .collect()
        };
        self.samples
            .iter()
            .map(|(contender, samples)| (*contender, measures(contender, samples)))
            .collect()
    }
}
