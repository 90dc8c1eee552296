//! Builds the services and fills their ports: one complete set, before the listener opens.

use std::sync::Arc;

use admin::{Admin, AdminParts};
use api_cloudwatch::CloudWatchService;
use api_iam::IamService;
use api_kinesis::KinesisService;
use api_lambda::LambdaService;
use api_logs::LogsService;
use api_sns::SnsService;
use api_sqs::SqsService;
use api_sts::StsService;
use auth::{Authenticator, StaticKeys};
use clock::SystemClock;
use cloudwatch::{CloudWatch, CloudWatchParts};
use delivery::{Delivery, DeliveryParts};
use event_source::{EventSources, EventSourcesParts};
use gateway::{Config, Gateway};
use iam::{Iam, IamParts};
use invoker::{Invoker, InvokerOptions, InvokerParts};
use kinesis::{Kinesis, KinesisParts};
use lambda::{Lambda, LambdaParts};
use logs::CloudWatchLogs;
use metering::Meter;
use queue::Queues;
use runtimes::Interpreters;
use sandbox::{Network, SharedSandbox};
use sns::{Sns, SnsParts};
use sqs::{Sqs, SqsParts};
use stream::Streams;
use targets::{Ports, Targets};
use tasks::Tasks;
use trace::{Trace, TraceParts};
use wire::Service;

use crate::endpoint::InnerEndpoint;
use crate::server::Base;
use crate::{Authentication, Options};

/// Every service and the engine.
#[derive(Debug)]
pub(crate) struct Services {
    observers: Observers,
    iam: Iam,
    pub(crate) invoker: Invoker,
    delivery: Delivery,
    lambda: Lambda,
    pub(crate) sqs: Sqs,
    sns: Sns,
    pub(crate) kinesis: Kinesis,
    event_sources: EventSources,
    /// Opened together with the gateway.
    inner: Arc<InnerEndpoint>,
}

/// What others tell of what they do.
#[derive(Debug, Clone)]
struct Observers {
    logs: CloudWatchLogs,
    meter: Arc<Meter>,
    cloudwatch: CloudWatch,
    trace: Trace,
}

impl Observers {
    fn build(base: &Base) -> Self {
        let (store, clock, tasks) = (base.store.clone(), base.clock.clone(), base.background.clone());
        let logs = CloudWatchLogs::new(store.clone(), clock.clone(), base.ids.split());
        logs.start(&tasks);
        let meter = Arc::new(Meter::new(store.clone(), clock.clone(), &tasks));
        let trace = Trace::new(TraceParts { store: store.clone(), tasks: tasks.clone() });
        let cloudwatch = CloudWatch::new(CloudWatchParts { store, clock, tasks });
        Self { logs, meter, cloudwatch, trace }
    }
}

impl Services {
    /// `address` is where clients reach the server, for links in messages.
    pub(crate) fn build(options: &Options, base: &Base, sandbox: SharedSandbox, address: String) -> Self {
        let observers = Observers::build(base);
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
            logs: Arc::new(observers.logs.clone()),
            usage: observers.meter.clone(),
            credentials: Arc::new(iam.clone()),
            endpoint: inner.clone(),
            network: if options.host_network { Network::Host } else { Network::Endpoint },
            options: InvokerOptions::default(),
        });
        let targets = Targets::default();
        let delivery = build_delivery(base, &observers, &targets);
        let sqs = build_sqs(base, &observers);
        let kinesis = build_kinesis(base, &observers);
        let event_sources = build_event_sources(base, &observers, &targets, &sqs, &kinesis);
        let queueing = Queueing { delivery: &delivery, event_sources: &event_sources, targets: &targets };
        let lambda = build_lambda(options, base, &observers, &iam, &invoker, &queueing);
        let sns = Sns::new(SnsParts {
            store: base.store.clone(),
            clock: base.clock.clone(),
            ids: Arc::new(base.ids.split()),
            tasks: base.background.clone(),
            targets: targets.clone(),
            metrics: Arc::new(observers.cloudwatch.clone()),
            trace: Arc::new(observers.trace.clone()),
            endpoint: address,
        });
        targets.fill(Ports {
            queues: Arc::new(sqs.clone()),
            topics: Arc::new(sns.clone()),
            functions: Arc::new(lambda.clone()),
        });
        observers.cloudwatch.watch(Arc::new(sqs.clone()));
        observers.cloudwatch.watch(Arc::new(lambda.clone()));
        Self { observers, iam, invoker, delivery, lambda, sqs, sns, kinesis, event_sources, inner }
    }

    /// Begins what goes on in the background, with what the last process left.
    pub(crate) fn start(&self) {
        self.sqs.start();
        self.sns.start();
        self.kinesis.start();
        self.lambda.start();
    }

    /// Writes what is in memory yet.
    pub(crate) async fn flush(&self) {
        let Observers { logs, meter, cloudwatch, trace } = &self.observers;
        logs.flush().await;
        meter.flush().await;
        cloudwatch.flush().await;
        trace.flush().await;
    }

    /// The gateway to all of them, from outside and from inside the functions' environments.
    pub(crate) fn open_gateway(
        &self,
        options: &Options,
        base: &Base,
        sandbox: SharedSandbox,
        requests: Tasks,
    ) -> Gateway {
        let Observers { logs, meter, cloudwatch, trace } = &self.observers;
        let services: Vec<Arc<dyn Service>> = vec![
            Arc::new(LambdaService(self.lambda.clone())),
            Arc::new(SqsService(self.sqs.clone())),
            Arc::new(SnsService(self.sns.clone())),
            Arc::new(KinesisService(self.kinesis.clone())),
            Arc::new(LogsService(logs.clone())),
            Arc::new(CloudWatchService(cloudwatch.clone())),
            Arc::new(IamService(self.iam.clone())),
            Arc::new(StsService(self.iam.clone())),
        ];
        let admin = Admin::new(AdminParts {
            services: services.iter().map(|service| service.schema().name).collect(),
            account: options.account.clone(),
            clock: base.clock.clone(),
            virtual_clock: base.virtual_clock.clone(),
            agendas: vec![
                Arc::new(self.delivery.clone()),
                Arc::new(self.sqs.clone()),
                Arc::new(self.sns.clone()),
                Arc::new(self.event_sources.clone()),
            ],
            trace: trace.clone(),
            cloudwatch: cloudwatch.clone(),
            sns: self.sns.clone(),
            logs: logs.clone(),
            sandbox,
            meter: meter.clone(),
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

fn build_delivery(base: &Base, observers: &Observers, targets: &Targets) -> Delivery {
    Delivery::new(DeliveryParts {
        store: base.store.clone(),
        clock: base.clock.clone(),
        tasks: base.background.clone(),
        targets: targets.clone(),
        metrics: Arc::new(observers.cloudwatch.clone()),
        trace: Arc::new(observers.trace.clone()),
    })
}

fn build_event_sources(
    base: &Base,
    observers: &Observers,
    targets: &Targets,
    sqs: &Sqs,
    kinesis: &Kinesis,
) -> EventSources {
    EventSources::new(EventSourcesParts {
        store: base.store.clone(),
        clock: base.clock.clone(),
        ids: Arc::new(base.ids.split()),
        tasks: base.background.clone(),
        queues: Arc::new(sqs.clone()),
        streams: Arc::new(kinesis.clone()),
        targets: targets.clone(),
        metrics: Arc::new(observers.cloudwatch.clone()),
        trace: Arc::new(observers.trace.clone()),
    })
}

/// What stands between functions and those who do not wait for them.
struct Queueing<'a> {
    delivery: &'a Delivery,
    event_sources: &'a EventSources,
    targets: &'a Targets,
}

fn build_lambda(
    options: &Options,
    base: &Base,
    observers: &Observers,
    iam: &Iam,
    invoker: &Invoker,
    queueing: &Queueing<'_>,
) -> Lambda {
    Lambda::new(LambdaParts {
        store: base.store.clone(),
        packages: base.packages.clone(),
        interpreters: Arc::new(Interpreters::new(options.variables.iter().cloned())),
        strict_runtimes: options.strict_runtimes,
        invoker: invoker.clone(),
        credentials: Arc::new(iam.clone()),
        clock: base.clock.clone(),
        ids: Arc::new(base.ids.split()),
        tasks: base.background.clone(),
        delivery: queueing.delivery.clone(),
        event_sources: queueing.event_sources.clone(),
        targets: queueing.targets.clone(),
        metrics: Arc::new(observers.cloudwatch.clone()),
        trace: Arc::new(observers.trace.clone()),
    })
}

fn build_sqs(base: &Base, observers: &Observers) -> Sqs {
    let queues = Queues::new(
        base.store.clone(),
        base.clock.clone(),
        Arc::new(base.ids.split()),
        base.background.clone(),
        Arc::new(observers.trace.clone()),
    );
    Sqs::new(SqsParts {
        store: base.store.clone(),
        queues,
        clock: base.clock.clone(),
        ids: Arc::new(base.ids.split()),
        tasks: base.background.clone(),
        metrics: Arc::new(observers.cloudwatch.clone()),
    })
}

fn build_kinesis(base: &Base, observers: &Observers) -> Kinesis {
    let streams = Streams::new(base.store.clone(), base.clock.clone(), base.background.clone());
    Kinesis::new(KinesisParts {
        store: base.store.clone(),
        streams,
        clock: base.clock.clone(),
        ids: Arc::new(base.ids.split()),
        tasks: base.background.clone(),
        metrics: Arc::new(observers.cloudwatch.clone()),
    })
}

fn authenticator(options: &Options, base: &Base) -> Authenticator {
    let keys = match &options.authentication {
        Authentication::Off => StaticKeys::default(),
        Authentication::SigV4(keys) => StaticKeys::new(keys.iter().cloned()),
    };
    // Clients sign with their own time, also where the platform's is virtual.
    Authenticator::new(options.mode(), Arc::new(keys), base.sessions.clone(), Arc::new(SystemClock))
}
