//! Amounts as Kubernetes writes them. Pure.

/// A quantity in thousandths, by the grammar of Kubernetes: a number with a binary (`Ki` …), a decimal (`m`, `k`, `M` …)
/// or an exponential (`e3`) ending.
pub(crate) fn parse(text: &str) -> Option<u64> {
    const ENDINGS: [(&str, f64); 15] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let ending = ENDINGS.iter().find(|(ending, _)| text.ends_with(ending));
    let (number, times) = match ending {
        Some((ending, times)) => (&text[..text.len() - ending.len()], *times),
        None => (text, 1.0),
    };
    let amount = number.parse::<f64>().ok()? * times * 1000.0;
    // Up to 2^53 thousandths are exact, which is nine terabytes: beyond it a byte does not matter.
    (amount.is_finite() && amount >= 0.0).then_some(amount.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_amount_is_understood() {
        for (text, thousandths) in [
            ("0", Some(0)),
            ("8", Some(8000)),
            ("100m", Some(100)),
            ("1.5", Some(1500)),
            ("2k", Some(2_000_000)),
            ("1Ki", Some(1_024_000)),
            ("1e3", Some(1_000_000)),
            ("128M", Some(128_000_000_000)),
            ("1500u", Some(2)),
            ("", None),
            ("-1", None),
            ("many", None),
        ] {
            assert_eq!(parse(text), thousandths, "{text}");
        }
    }
}
