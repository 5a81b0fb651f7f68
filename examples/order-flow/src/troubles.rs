//! What went wrong on the way, by the count of those who did it.

use stage::thousands;

use crate::cast::Cast;

/// Says it.
pub(crate) fn show(cast: &Cast) {
    let known = [
        cast.gateway.deeds(),
        cast.erp.deeds(),
        cast.crm.deeds(),
        cast.notification.deeds(),
    ];
    let repeats = known.iter().map(crate::deeds::Deeds::repeats).sum();
    let lines = [
        (
            cast.gateway.twice.get(),
            "webhooks of the gateway came twice",
        ),
        (cast.gateway.too_early.get(), "came before its reply"),
        (cast.crm.tokens_given(), "tokens of ten seconds were given"),
        (
            cast.crm.unauthorized.get(),
            "calls showed one that was not valid",
        ),
        (
            cast.crm.throttled.get(),
            "calls were told to come back later",
        ),
        (
            cast.notification.lost.get(),
            "replies were lost after the message was sent",
        ),
        (repeats, "calls came again and were known by their key"),
    ];
    stage::line("On the way:");
    for (count, what) in lines {
        stage::line(&format!("{:>8} {what}", thousands(count)));
    }
}
