"""Records of streams through boto3: put, read from every place, in order, and no faster than a shard can."""

import hashlib
import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from account import refused
from sources import Stream, shard_id

THROTTLED = "ProvisionedThroughputExceededException"


def test_a_life_of_a_record(aws):
    stream = Stream(aws)
    put = stream.kinesis.put_record(StreamName=stream.name, Data=b"\x00\xffdata", PartitionKey="ünï")
    assert put["ShardId"] == shard_id(0) and put["SequenceNumber"].startswith("49")
    assert len(put["SequenceNumber"]) == 56
    answer = stream.get(stream.iterator())
    [record] = answer["Records"]
    assert (record["Data"], record["PartitionKey"], record["SequenceNumber"]) == (
        b"\x00\xffdata", "ünï", put["SequenceNumber"],
    )  # fmt: skip
    assert abs(record["ApproximateArrivalTimestamp"] - datetime.now(UTC)) < timedelta(minutes=5)
    assert answer["MillisBehindLatest"] == 0
    # At the tip: nothing, and where to go on.
    answer = stream.get(answer["NextShardIterator"])
    assert answer["Records"] == [] and answer["NextShardIterator"]
    stream.put("next")
    assert stream.get(answer["NextShardIterator"])["Records"][0]["Data"] == b"next"
    # It is there for everybody, as often as they like.
    assert len(stream.get(stream.iterator())["Records"]) == 2


def test_the_key_chooses_the_shard(timed):
    stream = Stream(timed, shards=5)
    spans = [
        (shard["ShardId"], int(shard["HashKeyRange"]["StartingHashKey"]), int(shard["HashKeyRange"]["EndingHashKey"]))
        for shard in stream.shards()
    ]
    keys = [f"key {number}" for number in range(40)]
    placed = stream.put_all((key, key) for key in keys)
    for key, (shard, _) in zip(keys, placed):
        hashed = int.from_bytes(hashlib.md5(key.encode()).digest())
        [expected] = [name for name, start, end in spans if start <= hashed <= end]
        assert shard == expected, key
    for key in ("0", str(spans[3][1]), str(2**128 - 1)):
        put = stream.kinesis.put_record(StreamName=stream.name, Data=b"x", PartitionKey="k", ExplicitHashKey=key)
        [expected] = [name for name, start, end in spans if start <= int(key) <= end]
        assert put["ShardId"] == expected
    refused(
        stream.kinesis.put_record, "InvalidArgumentException", 400,
        f"Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {2**128}",
        StreamName=stream.name, Data=b"x", PartitionKey="k", ExplicitHashKey=str(2**128),
    )  # fmt: skip


def test_sequence_numbers_grow(timed):
    stream = Stream(timed)
    numbers = [int(number) for number in stream.put(*"abcde")]
    numbers += [int(number) for _, number in stream.put_all([("k", "f"), ("l", "g")])]
    assert numbers == sorted(set(numbers))
    assert stream.read() == list("abcdefg")
    answer = stream.kinesis.put_record(
        StreamName=stream.name, Data=b"h", PartitionKey="k", SequenceNumberForOrdering=str(numbers[-1])
    )
    assert int(answer["SequenceNumber"]) > numbers[-1]


def test_every_place_to_begin(timed):
    stream = Stream(timed)
    numbers = []
    for text in "abc":
        numbers += stream.put(text)
        timed.advance(60)
    assert stream.read(kind="TRIM_HORIZON") == ["a", "b", "c"]
    assert stream.read(kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == ["b", "c"]
    assert stream.read(kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1]) == ["c"]
    latest = stream.iterator(kind="LATEST")
    arrivals = [record["ApproximateArrivalTimestamp"] for record in stream.get(stream.iterator())["Records"]]
    assert [round((later - first).total_seconds()) for first, later in zip(arrivals, arrivals[1:])] == [60, 60]
    assert stream.read(kind="AT_TIMESTAMP", Timestamp=arrivals[1]) == ["b", "c"]
    assert stream.read(kind="AT_TIMESTAMP", Timestamp=arrivals[1] + timedelta(seconds=1)) == ["c"]
    assert stream.read(kind="AT_TIMESTAMP", Timestamp=arrivals[0] - timedelta(days=300)) == ["a", "b", "c"]
    stream.put("d")
    assert [record["Data"] for record in stream.get(latest)["Records"]] == [b"d"]
    # A number of the shard's own, before its first record.
    start = stream.shards()[0]["SequenceNumberRange"]["StartingSequenceNumber"]
    assert stream.read(kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=start) == ["a", "b", "c", "d"]


def test_how_far_behind_a_reader_is(timed):
    stream = Stream(timed)
    stream.put("a")
    timed.advance(90)
    stream.put("b")
    answer = stream.get(stream.iterator(), Limit=1)
    assert [record["Data"] for record in answer["Records"]] == [b"a"]
    # How long ago the last record of the answer came, or the next one: AWS does not say which.
    assert answer["MillisBehindLatest"] in range(0, 91_000)
    timed.advance(30)
    answer = stream.get(stream.iterator(), Limit=1)
    assert answer["MillisBehindLatest"] >= 29_000
    assert stream.get(answer["NextShardIterator"])["MillisBehindLatest"] == 0


def test_pages_of_records(timed):
    stream = Stream(timed)
    stream.put_all(("k", str(number)) for number in range(300))
    iterator, found = stream.iterator(), []
    for _ in range(3):
        answer = stream.get(iterator, Limit=100)
        assert len(answer["Records"]) == 100
        found += [int(record["Data"]) for record in answer["Records"]]
        iterator = answer["NextShardIterator"]
    assert found == list(range(300))


def test_a_page_is_at_most_ten_mebibytes(timed):
    stream = Stream(timed)
    for number in range(12):
        stream.put(bytes([number]) * 1_000_000)
        timed.advance(1)
    first = stream.get(stream.iterator())
    sizes = [len(record["Data"]) for record in first["Records"]]
    assert sum(sizes) <= 10 * 1024 * 1024 and 0 < len(sizes) < 12
    found, iterator = len(sizes), first["NextShardIterator"]
    while found < 12:
        timed.advance(6)
        answer = stream.get(iterator)
        assert answer["Records"]
        found, iterator = found + len(answer["Records"]), answer["NextShardIterator"]
    assert found == 12


# A second of real time counts as well as one of the platform's, so that nobody waits forever where time stands still: the
# next tests ask until it is too much, however fast the machine is.
OFTEN = range(200)


def test_a_shard_takes_a_thousand_records_a_second(timed):
    stream = Stream(timed, shards=2)
    low = {"PartitionKey": "k", "ExplicitHashKey": "0", "Data": b"x"}
    high = {**low, "ExplicitHashKey": str(2**128 - 1)}
    began, accepted = time.monotonic(), 0
    for _ in OFTEN:
        answer = stream.kinesis.put_records(StreamName=stream.name, Records=[high, *[low] * 499])
        accepted += 499 - answer["FailedRecordCount"]
        if answer["FailedRecordCount"]:
            break
    assert 1000 <= accepted <= 1000 + 1000 * (time.monotonic() - began)
    assert answer["Records"][0]["ShardId"] == shard_id(1), "the other shard has room"
    failed = [record for record in answer["Records"] if "ErrorCode" in record]
    text = f"Rate exceeded for shard {shard_id(0)} in stream {stream.name} under account {timed.number}."
    assert failed == [{"ErrorCode": THROTTLED, "ErrorMessage": text}] * answer["FailedRecordCount"]
    timed.advance(1)
    stream.kinesis.put_record(StreamName=stream.name, **low)
    assert len(stream.read(0)) == accepted + 1


def refused_in_the_end(call, **parameters):
    """Asks until it is too much; returns how often it was not."""
    for count in OFTEN:
        try:
            call(**parameters)
        except ClientError as error:
            assert error.response["Error"]["Code"] == THROTTLED, error
            return count
    raise AssertionError("it was never too much")


def test_a_shard_takes_a_mebibyte_a_second(timed):
    stream = Stream(timed)
    put = {"StreamName": stream.name, "Data": b"x" * 1_000_000, "PartitionKey": "k"}
    assert refused_in_the_end(stream.kinesis.put_record, **put) >= 1
    timed.advance(1)
    stream.kinesis.put_record(**put)


def test_a_shard_is_read_five_times_a_second(timed):
    stream = Stream(timed)
    stream.put("x")
    iterator = stream.iterator()
    timed.advance(1)
    assert refused_in_the_end(stream.kinesis.get_records, ShardIterator=iterator) >= 5
    timed.advance(1)
    assert len(stream.kinesis.get_records(ShardIterator=iterator)["Records"]) == 1


def test_records_that_are_too_large(aws):
    stream = Stream(aws)
    largest = 1024 * 1024
    put = {"StreamName": stream.name, "PartitionKey": "k"}
    with pytest.raises(stream.kinesis.exceptions.ClientError) as caught:
        stream.kinesis.put_record(Data=b"x" * (largest + 1), **put)
    assert caught.value.response["Error"]["Code"] in ("ValidationException", "InvalidArgumentException")
    # The key counts, too.
    stream.kinesis.put_record(Data=b"x" * (largest - 1), **put)
    unchecked = aws.client("kinesis", parameter_validation=False)
    many = [{"PartitionKey": "k", "Data": b"x"}] * 501
    refused(
        unchecked.put_records, "ValidationException", 400, "at 'records' failed to satisfy constraint",
        StreamName=stream.name, Records=many,
    )  # fmt: skip
    stream.kinesis.update_max_record_size(StreamARN=stream.arn, MaxRecordSizeInKiB=2048)
    stream.wait_active()
    told = stream.kinesis.describe_stream_summary(StreamName=stream.name)["StreamDescriptionSummary"]
    assert told["MaxRecordSizeInKiB"] == 2048


def test_iterators_that_do_not_do(timed):
    stream = Stream(timed)
    kinesis, name = stream.kinesis, stream.name
    [number] = stream.put("x")
    invalid = ("InvalidArgumentException", 400)
    where = {"StreamName": name, "ShardId": shard_id(0)}
    text = (
        "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON "
        "or LATEST and no StartingSequenceNumber. Request specified LATEST and also a StartingSequenceNumber."
    )
    refused(
        kinesis.get_shard_iterator, *invalid, text, ShardIteratorType="LATEST", StartingSequenceNumber=number, **where
    )
    refused(kinesis.get_shard_iterator, *invalid, ShardIteratorType="AT_SEQUENCE_NUMBER", **where)
    refused(kinesis.get_shard_iterator, *invalid, ShardIteratorType="AT_TIMESTAMP", **where)
    timed.advance(1)
    refused(
        kinesis.get_shard_iterator, *invalid, ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber="5", **where
    )
    missing = f"Shard {shard_id(7)} in stream {name} under account {timed.number} does not exist"
    refused(
        kinesis.get_shard_iterator, "ResourceNotFoundException", 400, missing, StreamName=name, ShardId=shard_id(7),
        ShardIteratorType="LATEST",
    )  # fmt: skip
    for wrong in ("x", "AAAA", "A" * 200):
        refused(kinesis.get_records, *invalid, "Invalid ShardIterator.", ShardIterator=wrong)
    iterator = stream.iterator()
    timed.advance(299)
    assert len(stream.get(iterator)["Records"]) == 1
    timed.advance(2)
    refused(
        kinesis.get_records, "ExpiredIteratorException", 400, "tolerated delay of 300000 milliseconds",
        ShardIterator=iterator,
    )  # fmt: skip


def test_what_was_acknowledged_is_read_at_once(aws):
    """There is no delay between the two."""
    stream = Stream(aws)
    iterator = stream.iterator(kind="LATEST")
    began = time.monotonic()
    for number in range(3):
        stream.put(str(number))
        answer = stream.get(iterator)
        assert [record["Data"] for record in answer["Records"]] == [str(number).encode()]
        iterator = answer["NextShardIterator"]
    assert time.monotonic() - began < 20
