//! What the shop sells.

/// An article and its price in cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Article {
    pub(crate) sku: &'static str,
    pub(crate) cents: i64,
}

const fn article(sku: &'static str, cents: i64) -> Article {
    Article { sku, cents }
}

/// All articles.
pub(crate) const GOODS: [Article; 24] = [
    article("teapot-cast-iron", 8_990),
    article("teapot-glass", 3_450),
    article("teapot-porcelain", 5_905),
    article("cup-small", 790),
    article("cup-large", 1_090),
    article("saucer", 450),
    article("tray-oak", 4_210),
    article("tray-tin", 1_999),
    article("kettle", 6_780),
    article("strainer", 1_275),
    article("warmer", 2_340),
    article("caddy", 1_805),
    article("scoop", 640),
    article("timer", 1_333),
    article("assam-100g", 780),
    article("darjeeling-100g", 1_420),
    article("ceylon-100g", 695),
    article("sencha-100g", 1_180),
    article("oolong-100g", 1_560),
    article("lapsang-100g", 915),
    article("mint-50g", 420),
    article("chamomile-50g", 395),
    article("sugar-candy", 330),
    article("gift-box", 2_501),
];
