//! Pages of what belongs to one role: little, so that a page begins at a number.

use wire::Error;

use crate::errors::invalid;

/// How many items a page has unless the request says (API reference, `MaxItems`).
pub(crate) const ITEMS_DEFAULT: usize = 100;

/// A page, and the marker of the next one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) marker: Option<String>,
}

/// How many items the page may have. The model's bounds, which were checked, leave only positive numbers.
pub(crate) fn items_max(asked: Option<i32>) -> usize {
    asked.and_then(|asked| usize::try_from(asked).ok()).unwrap_or(ITEMS_DEFAULT)
}

/// The page of `items` that a request asks for.
///
/// # Errors
/// `ValidationError` when the marker is none of ours.
pub(crate) fn page<T>(items: Vec<T>, marker: Option<&str>, asked: Option<i32>) -> Result<Page<T>, Error> {
    let start: usize = match marker {
        Some(marker) => marker.parse().map_err(|_| invalid("Invalid Marker."))?,
        None => 0,
    };
    let end = start.saturating_add(items_max(asked));
    let marker = (end < items.len()).then(|| end.to_string());
    let items = items.into_iter().skip(start).take(end - start).collect();
    Ok(Page { items, marker })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_until_there_is_nothing_more() {
        let cut = |marker, asked| page((0..5).collect(), marker, asked).unwrap();
        assert_eq!(cut(None, None), Page { items: vec![0, 1, 2, 3, 4], marker: None });
        assert_eq!(cut(None, Some(2)), Page { items: vec![0, 1], marker: Some("2".to_owned()) });
        assert_eq!(cut(Some("2"), Some(3)), Page { items: vec![2, 3, 4], marker: None });
        assert_eq!(cut(Some("18446744073709551615"), None), Page { items: vec![], marker: None });
        for marker in ["", "-1", "x"] {
            assert_eq!(page(vec![0], Some(marker), None).unwrap_err().code(), "ValidationError");
        }
    }
}
