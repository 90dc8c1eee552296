//! `AddPermission` and `RemovePermission`.

use api_sqs::{AddPermissionRequest, RemovePermissionRequest, Sqs as _};
use serde_json::{Value, json};
use wire::Error;

use crate::world::{World, refused};

async fn add(world: &World, label: &str, accounts: &[&str], actions: &[&str]) -> Result<(), Error> {
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    let input = AddPermissionRequest {
        queue_url: world.url("q"),
        label: Some(label.to_owned()),
        aws_account_ids: texts(accounts),
        actions: texts(actions),
    };
    world.sqs.add_permission(&world.context, input).await
}

async fn remove(world: &World, label: &str) -> Result<(), Error> {
    let input = RemovePermissionRequest { queue_url: world.url("q"), label: Some(label.to_owned()) };
    world.sqs.remove_permission(&world.context, input).await
}

async fn policy(world: &World) -> Option<Value> {
    let policy = world.attributes("q").await.remove("Policy")?;
    Some(serde_json::from_str(&policy).unwrap())
}

#[tokio::test]
async fn permissions_come_and_go() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    add(&world, "one", &["111111111111", "222222222222"], &["ReceiveMessage"]).await.unwrap();
    let statement = json!({
        "Sid": "one",
        "Effect": "Allow",
        "Principal": { "AWS": ["arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"] },
        "Action": "SQS:ReceiveMessage",
        "Resource": world.arn("q"),
    });
    let expected = json!({
        "Version": "2008-10-17",
        "Id": format!("{}/SQSDefaultPolicy", world.arn("q")),
        "Statement": [statement],
    });
    assert_eq!(policy(&world).await, Some(expected));
    refused(
        add(&world, "one", &["111111111111"], &["SendMessage"]).await,
        "InvalidParameterValue",
        "Value one for parameter Label is invalid. Reason: Already exists.",
    );
    add(&world, "two", &["111111111111"], &["SendMessage", "GetQueueUrl"]).await.unwrap();
    remove(&world, "one").await.unwrap();
    let left = policy(&world).await.unwrap();
    assert_eq!(left["Statement"][0]["Action"], json!(["SQS:SendMessage", "SQS:GetQueueUrl"]));
    assert_eq!(left["Statement"][0]["Principal"]["AWS"], json!("arn:aws:iam::111111111111:root"));
    remove(&world, "two").await.unwrap();
    assert_eq!(policy(&world).await, None);
    refused(
        remove(&world, "two").await,
        "InvalidParameterValue",
        "Value two for parameter Label is invalid. Reason: can't find label.",
    );
}

#[tokio::test]
async fn what_cannot_be_permitted_is_refused() {
    let world = World::new();
    world.create("q", &[]).await.unwrap();
    refused(
        add(&world, "one", &["111111111111"], &["Fly"]).await,
        "InvalidParameterValue",
        "Value SQS:Fly for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for a list of valid \
         actions. ",
    );
    assert_eq!(
        add(&world, "a b", &["111111111111"], &["*"]).await.unwrap_err().code(),
        "InvalidParameterValue"
    );
    assert_eq!(add(&world, "a", &["1"], &["*"]).await.unwrap_err().code(), "InvalidParameterValue");
    assert_eq!(add(&world, "a", &[], &["*"]).await.unwrap_err().code(), "MissingParameter");
    assert_eq!(add(&world, "a", &["111111111111"], &[]).await.unwrap_err().code(), "MissingParameter");
}
