//! USD as whole numbers of 10⁻¹² USD: exact for the prices and hours of a bill, and small and fast enough for a year of hours.

use rust_decimal::Decimal;

/// The decimal places.
const PLACES: u32 = 12;

/// USD in 10⁻¹² USD, rounded. `None`: it is 9.2 million USD or more.
pub(super) fn to_fixed(usd: Decimal) -> Option<i64> {
    let mut rounded = usd.round_dp(PLACES);
    rounded.rescale(PLACES);
    i64::try_from(rounded.mantissa()).ok()
}

/// The same as a decimal. Sums of a year of hours are larger than an `i64`.
pub(super) fn to_usd(fixed: i128) -> Decimal {
    Decimal::try_from_i128_with_scale(fixed, PLACES).unwrap_or(Decimal::MAX).normalize()
}

/// A part of an amount, rounded. What does not fit is as large as an `i64` can be.
pub(super) fn part(amount: i64, of: i64, whole: i64) -> i64 {
    let whole = i128::from(whole.max(1));
    let part = (i128::from(amount) * i128::from(of) + whole / 2) / whole;
    i64::try_from(part).unwrap_or(i64::MAX)
}
