//! Builds the services and fills their ports: one complete set, before the listener opens.

use std::sync::Arc;

use admin::{Admin, AdminParts};
use api_iam::IamService;
use api_lambda::LambdaService;
use api_logs::LogsService;
use api_sts::StsService;
use auth::{Authenticator, StaticKeys};
use clock::SystemClock;
use cloudwatch::{CloudWatch, CloudWatchParts};
use delivery::{Delivery, DeliveryParts};
use gateway::{Config, Gateway};
use iam::{Iam, IamParts};
use invoker::{Invoker, InvokerOptions, InvokerParts};
use lambda::{Lambda, LambdaParts};
use logs::CloudWatchLogs;
use metering::Meter;
use runtimes::Interpreters;
use sandbox::{Network, SharedSandbox};
use targets::Targets;
use tasks::Tasks;
use trace::{Trace, TraceParts};
use wire::Service;

use crate::endpoint::InnerEndpoint;
use crate::server::Base;
use crate::{Authentication, Options};

/// Every service and the engine.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) logs: CloudWatchLogs,
    pub(crate) meter: Arc<Meter>,
    pub(crate) iam: Iam,
    pub(crate) invoker: Invoker,
    pub(crate) lambda: Lambda,
    delivery: Delivery,
    trace: Trace,
    cloudwatch: CloudWatch,
    /// Opened together with the gateway.
    inner: Arc<InnerEndpoint>,
}

impl Services {
    pub(crate) fn build(options: &Options, base: &Base, sandbox: SharedSandbox) -> Self {
        let logs = CloudWatchLogs::new(base.store.clone(), base.clock.clone(), base.ids.split());
        logs.start(&base.background);
        let meter = Arc::new(Meter::new(base.store.clone(), base.clock.clone(), &base.background));
        let iam = Iam::new(IamParts {
            store: base.store.clone(),
            clock: base.clock.clone(),
            session_clock: Arc::new(SystemClock),
            ids: Arc::new(base.ids.split()),
            sessions: base.sessions.clone(),
            mode: options.mode(),
        });
        let inner = Arc::new(InnerEndpoint::default());
        let invoker = Invoker::new(InvokerParts {
            sandbox,
            clock: base.clock.clone(),
            ids: Arc::new(base.ids.split()),
            tasks: base.background.clone(),
            logs: Arc::new(logs.clone()),
            usage: meter.clone(),
            credentials: Arc::new(iam.clone()),
            endpoint: inner.clone(),
            network: if options.host_network { Network::Host } else { Network::Endpoint },
            options: InvokerOptions::default(),
        });
        let cloudwatch = CloudWatch::new(CloudWatchParts {
            store: base.store.clone(),
            clock: base.clock.clone(),
            tasks: base.background.clone(),
        });
        let trace = Trace::new(TraceParts { store: base.store.clone(), tasks: base.background.clone() });
        let targets = Targets::default();
        let delivery = Delivery::new(DeliveryParts {
            store: base.store.clone(),
            clock: base.clock.clone(),
            ids: Arc::new(base.ids.split()),
            tasks: base.background.clone(),
            targets: targets.clone(),
            metrics: Arc::new(cloudwatch.clone()),
            trace: Arc::new(trace.clone()),
        });
        let lambda = Lambda::new(LambdaParts {
            store: base.store.clone(),
            packages: base.packages.clone(),
            interpreters: Arc::new(Interpreters::new(options.variables.iter().cloned())),
            strict_runtimes: options.strict_runtimes,
            invoker: invoker.clone(),
            credentials: Arc::new(iam.clone()),
            clock: base.clock.clone(),
            ids: Arc::new(base.ids.split()),
            tasks: base.background.clone(),
            delivery: delivery.clone(),
            targets,
            metrics: Arc::new(cloudwatch.clone()),
            trace: Arc::new(trace.clone()),
        });
        Self { logs, meter, iam, invoker, lambda, delivery, trace, cloudwatch, inner }
    }

    /// The gateway to all of them, from outside and from inside the functions' environments.
    pub(crate) fn open_gateway(
        &self,
        options: &Options,
        base: &Base,
        sandbox: SharedSandbox,
        requests: Tasks,
    ) -> Gateway {
        let services: Vec<Arc<dyn Service>> = vec![
            Arc::new(LambdaService(self.lambda.clone())),
            Arc::new(LogsService(self.logs.clone())),
            Arc::new(IamService(self.iam.clone())),
            Arc::new(StsService(self.iam.clone())),
        ];
        let admin = Admin::new(AdminParts {
            services: services.iter().map(|service| service.schema().name).collect(),
            account: options.account.clone(),
            clock: base.clock.clone(),
            virtual_clock: base.virtual_clock.clone(),
            agendas: vec![Arc::new(self.delivery.clone())],
            trace: self.trace.clone(),
            cloudwatch: self.cloudwatch.clone(),
            logs: self.logs.clone(),
            sandbox,
            meter: self.meter.clone(),
            lambda: self.lambda.clone(),
        });
        let gateway = Gateway::new(
            Config::default(),
            services,
            Arc::new(admin),
            authenticator(options, base),
            base.ids.split(),
            requests,
        );
        self.inner.open(gateway.clone());
        gateway
    }
}

fn authenticator(options: &Options, base: &Base) -> Authenticator {
    let keys = match &options.authentication {
        Authentication::Off => StaticKeys::default(),
        Authentication::SigV4(keys) => StaticKeys::new(keys.iter().cloned()),
    };
    // Clients sign with their own time, also where the platform's is virtual.
    Authenticator::new(options.mode(), Arc::new(keys), base.sessions.clone(), Arc::new(SystemClock))
}
