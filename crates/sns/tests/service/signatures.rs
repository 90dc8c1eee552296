use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsa::RsaPublicKey;
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::pkcs8::DecodePublicKey;
use rsa::signature::Verifier;
use x509_cert::Certificate;
use x509_cert::der::{DecodePem, Encode};

use super::*;

/// Checks a message as a subscriber does, who knows nothing but the message.
async fn verify(world: &World, message: &Value) {
    let text = |name: &str| message[name].as_str().unwrap();
    let url = text("SigningCertURL").strip_prefix("http://127.0.0.1:4566").unwrap();
    let name = url.strip_prefix(sns::CERTIFICATE_PATH).unwrap();
    assert!(name.starts_with("SimpleNotificationService-"), "{name}");
    let pem = world.sns.certificate(name).await.unwrap().unwrap();
    let certificate = Certificate::from_pem(&pem).unwrap();
    let key = certificate.tbs_certificate.subject_public_key_info.to_der().unwrap();
    let key = RsaPublicKey::from_public_key_der(&key).unwrap();
    let signed =
        ["Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type"];
    let string: String = signed
        .iter()
        .filter_map(|name| message[name].as_str().map(|value| format!("{name}\n{value}\n")))
        .collect();
    let signature = STANDARD.decode(text("Signature")).unwrap();
    let signature = Signature::try_from(&signature[..]).unwrap();
    match text("SignatureVersion") {
        "1" => VerifyingKey::<sha1::Sha1>::new(key).verify(string.as_bytes(), &signature),
        "2" => VerifyingKey::<sha2::Sha256>::new(key).verify(string.as_bytes(), &signature),
        other => panic!("version {other}"),
    }
    .unwrap();
}

#[tokio::test]
async fn every_kind_of_message_can_be_verified_in_both_versions() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.queue(&topic, "q", &[]).await;
    for version in ["1", "2"] {
        world.set_topic(&topic, "SignatureVersion", version).await.unwrap();
        let input = PublishInput {
            topic_arn: Some(topic.clone()),
            message: "m ü".to_owned(),
            subject: Some("s".to_owned()),
            ..Default::default()
        };
        world.publish_with(input).await.unwrap();
        world.publish(&topic, "without a subject").await.unwrap();
        world.subscribe(&topic, "email-json", &format!("{version}@example.com"), &[]).await.unwrap();
    }
    let mut bodies = world.others.bodies("q");
    bodies.extend(world.sns.outbox(10).await.unwrap().into_iter().map(|entry| entry.body));
    assert_eq!(bodies.len(), 6);
    let mut kinds = HashSet::new();
    for body in bodies {
        let message: Value = serde_json::from_str(&body).unwrap();
        verify(&world, &message).await;
        kinds.insert(format!("{} {}", message["Type"], message["SignatureVersion"]));
    }
    assert_eq!(kinds.len(), 4);
}

#[tokio::test]
async fn the_key_outlives_a_restart() {
    let world = World::new().await;
    let topic = world.topic("t").await;
    world.queue(&topic, "q", &[]).await;
    world.publish(&topic, "m").await.unwrap();
    let message: Value = serde_json::from_str(&world.others.bodies("q")[0]).unwrap();
    let world = world.restarted().await;
    verify(&world, &message).await;
    assert_eq!(world.sns.certificate("SimpleNotificationService-0.pem").await.unwrap(), None);
}
