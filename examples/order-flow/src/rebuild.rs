//! Folding the log into `sales` once more, beside the live table.

use stage::{Account, Line, StageError};

use crate::books::Books;
use crate::judge::Judge;
use crate::screen::Screen;

/// Rebuilds, and compares with what it was.
///
/// # Errors
/// When the hub or its database refuses it.
pub(crate) async fn rebuild(judge: &Judge<'_>, screen: &Screen) -> Result<bool, StageError> {
    screen.say("dragoman rebuild sales");
    let before = Books::read(&judge.house.analytics).await?;
    judge.house.hub.run(&["rebuild", "sales"]).await?;
    let after = Books::read(&judge.house.analytics).await?;
    let compared = after.sales(&before);
    let mut account = Account::default();
    let name = "table sales, rebuilt";
    account.add(Line::judged(
        name,
        compared.should,
        compared.has,
        compared.flaw,
    ));
    stage::line(&account.to_string());
    Ok(account.balances())
}
