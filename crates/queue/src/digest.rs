//! The MD5 digests by which clients check that a message arrived as it was sent ("Calculating the MD5 message digest for
//! message attributes" in the developer guide).

use md5::{Digest, Md5};
use targets::{AttributeValue, MessageAttribute};

/// Over the body: 32 hexadecimal digits.
#[must_use]
pub fn md5_of_body(body: &str) -> String {
    hex(&Md5::digest(body))
}

/// Over names, types and values with their lengths, which come in the order of the names.
#[must_use]
pub fn md5_of_attributes<'a>(
    attributes: impl IntoIterator<Item = (&'a String, &'a MessageAttribute)>,
) -> String {
    let mut digest = Md5::new();
    let add = |digest: &mut Md5, bytes: &[u8]| {
        // No message is longer than 1 MiB.
        digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(bytes);
    };
    for (name, attribute) in attributes {
        add(&mut digest, name.as_bytes());
        add(&mut digest, attribute.data_type.as_bytes());
        let (transport, bytes) = match &attribute.value {
            AttributeValue::String(text) => (1_u8, text.as_bytes()),
            AttributeValue::Binary(bytes) => (2, bytes.as_slice()),
        };
        digest.update([transport]);
        add(&mut digest, bytes);
    }
    hex(&digest.finalize())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

#[cfg(test)]
mod tests {
    use targets::Attributes;

    use super::*;

    fn string(data_type: &str, value: &str) -> MessageAttribute {
        MessageAttribute { data_type: data_type.to_owned(), value: AttributeValue::String(value.to_owned()) }
    }

    /// Digests that AWS answered, on record in public test suites.
    #[test]
    fn digests_are_those_of_aws() {
        assert_eq!(md5_of_body("msg"), "6e2baaf3b97dbeef01c0043275f9a0e7");
        let three = Attributes::from([
            ("Hello".to_owned(), string("String", "There")),
            ("General".to_owned(), string("String", "Kenobi")),
            ("Help.Me".to_owned(), string("String", "Me")),
        ]);
        assert_eq!(md5_of_attributes(&three), "4c360f3fdafd970e05fae2f149d997f5");
        let binary = Attributes::from([(
            "attr1".to_owned(),
            MessageAttribute {
                data_type: "Binary".to_owned(),
                value: AttributeValue::Binary(
                    b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01".to_vec(),
                ),
            },
        )]);
        assert_eq!(md5_of_attributes(&binary), "8cbe4db156db8a94db8b801b7addb984");
        let number =
            Attributes::from([("UserId".to_owned(), string("Number.bigint", "1234567890123456789012"))]);
        assert_eq!(md5_of_attributes(&number), "797ab158d73dcb5242dedc4412c8e855");
        let trace = Attributes::from([("AWSTraceHeader".to_owned(), string("String", "some-trace-id"))]);
        assert_eq!(md5_of_attributes(&trace), "fdce4f2818803f2f73becc09a54792c0");
    }
}
