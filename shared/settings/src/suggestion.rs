//! What somebody may have meant.

/// "did you mean …?" when one of the known names is close, and all of them.
#[must_use]
pub fn suggest<'a>(written: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let closest = known
        .clone()
        .into_iter()
        .map(|name| (distance(written, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4);
    let all: Vec<&str> = known.into_iter().collect();
    match (closest, all.as_slice()) {
        (_, []) => "remove it: nothing can stand here".to_owned(),
        (Some((_, name)), all) => {
            format!("did you mean `{name}`? There are: {}", all.join(", "))
        }
        (None, [only]) => format!("there is only: {only}"),
        (None, all) => format!("there are: {}", all.join(", ")),
    }
}

/// How many letters must change, come or go (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (other, above) in to.iter().zip(row.iter().skip(1)) {
            let cost = (diagonal + usize::from(letter != *other))
                .min(above + 1)
                .min(left + 1);
            diagonal = *above;
            left = cost;
            next.push(cost);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, suggest};

    #[test]
    fn a_close_name_is_offered_and_a_far_one_is_not() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert!(suggest("lisen", ["listen", "admin"]).starts_with("did you mean `listen`?"));
        assert_eq!(
            suggest("x", ["listen", "admin"]),
            "there are: listen, admin"
        );
        assert_eq!(suggest("x", []), "remove it: nothing can stand here");
    }
}
