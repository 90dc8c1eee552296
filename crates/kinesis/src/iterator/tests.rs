use proptest::prelude::*;
use stream::SequenceNumber;

use super::*;

fn id(text: &str) -> StreamId {
    StreamId(text.to_owned())
}

fn iterator(position: Position) -> Iterator {
    Iterator {
        key: StreamKey {
            account: AccountId::parse("000000000000").unwrap(),
            region: Region::parse("eu-central-1").unwrap(),
            name: "s".to_owned(),
        },
        shard: ShardId(7),
        position,
        made: Timestamp::from_millis(1_706_688_309_123),
    }
}

#[test]
fn an_iterator_survives_a_round_trip() {
    for position in [
        Position::TrimHorizon,
        Position::Latest,
        Position::AtTimestamp(Timestamp::from_micros(5)),
        Position::At(SequenceNumber(u128::MAX)),
        Position::After(SequenceNumber(0)),
    ] {
        let sealed = iterator(position).seal(&id("a"));
        assert_eq!(read(&sealed).unwrap().check(&id("a")).unwrap(), iterator(position));
        assert!(read(&sealed).unwrap().check(&id("b")).is_err(), "of another stream");
    }
}

/// The model allows 512 letters.
#[test]
fn the_longest_iterator_is_short_enough() {
    let mut longest = iterator(Position::After(SequenceNumber(u128::MAX)));
    longest.key.name = "s".repeat(128);
    longest.shard = ShardId(u32::MAX);
    longest.made = Timestamp::from_micros(i64::MAX);
    assert!(longest.seal(&id("a")).len() <= 512);
}

#[test]
fn an_old_iterator_says_so_in_awss_words() {
    let old = iterator(Position::TrimHorizon);
    assert!(old.check_age(old.made + LIFETIME).is_ok());
    let error = old.check_age(old.made + LIFETIME + Duration::from_millis(1)).unwrap_err();
    assert_eq!(
        (error.code(), error.message().unwrap()),
        (
            "ExpiredIteratorException",
            "Iterator expired. The iterator was created at time Wed Jan 31 08:05:09 UTC 2024 while right now it is \
             Wed Jan 31 08:10:09 UTC 2024 which is further in the future than the tolerated delay of 300000 milliseconds."
        )
    );
}

proptest! {
    #[test]
    fn what_was_tampered_with_is_refused(index in 0_usize..1_000, flip in 1_u8..=255) {
        let sealed = STANDARD.decode(iterator(Position::At(SequenceNumber(12_345))).seal(&id("a"))).unwrap();
        let mut tampered = sealed.clone();
        tampered[index % sealed.len()] ^= flip;
        let answer = read(&STANDARD.encode(tampered)).and_then(|sealed| sealed.check(&id("a")));
        let error = answer.unwrap_err();
        prop_assert_eq!(error.message(), Some("Invalid ShardIterator."));
    }

    #[test]
    fn any_text_is_refused_or_read(text in "\\PC{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for text in [text, STANDARD.encode(bytes)] {
            prop_assert!(read(&text).and_then(|sealed| sealed.check(&id("a"))).is_err());
        }
    }
}
