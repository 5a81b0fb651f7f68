//! Folding one event into its rows: into all of them, or into none.

use dragoman_translate::FoldRunner;

use super::super::evaluate::{Folding, elements};
use super::FoldedTable;
use super::keyed::KeyedRows;

impl FoldedTable<'_> {
    /// Folds an event into the row of each of its elements, in their order. `numbers`: of
    /// these rows.
    ///
    /// # Errors
    /// Why it cannot be; all rows are as they were.
    pub(super) fn fold_event(
        &self,
        runner: &mut FoldRunner<'_>,
        rows: &mut KeyedRows<'_>,
        numbers: &[usize],
        folding: &Folding<'_>,
    ) -> Result<(), String> {
        // Elements borrow from the event beside which they would be kept, so they are asked
        // for again: `each` yields the same as when it was asked for the keys.
        let elements = elements(self.effect, &folding.view)?;
        let mut before = Vec::new();
        // Under the key that the event has: two that are equal may be written otherwise.
        let keyed = numbers.iter().copied().zip(&folding.keys);
        for ((number, key), item) in keyed.zip(elements.iter()) {
            let Some(row) = rows.row(number) else {
                continue;
            };
            // A row that cannot be folded is as it was, so one alone needs no copy.
            if elements.len() > 1 {
                before.push((number, row.now.clone()));
            }
            let view = &folding.view;
            if let Err(reason) = row.fold(&self.rule.columns, runner, key, view, item.as_ref()) {
                // From the last to the first: a row may have been folded into twice.
                for (number, was) in before.into_iter().rev() {
                    rows.restore(number, was);
                }
                return Err(reason);
            }
        }
        Ok(())
    }
}
