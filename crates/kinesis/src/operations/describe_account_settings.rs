//! `DescribeAccountSettings`: nobody commits to a bill here.

use api_kinesis::{
    DescribeAccountSettingsOutput, MinimumThroughputBillingCommitmentOutput,
    MinimumThroughputBillingCommitmentOutputStatus,
};

pub(crate) fn handle() -> DescribeAccountSettingsOutput {
    let commitment = MinimumThroughputBillingCommitmentOutput {
        status: MinimumThroughputBillingCommitmentOutputStatus::Disabled,
        ..Default::default()
    };
    DescribeAccountSettingsOutput { minimum_throughput_billing_commitment: Some(commitment) }
}
