//! Sends mails through the topic: one SNS message each, with attributes that subscriptions can filter by, at a pace that SNS allows. What was mailed is told in
//! the chat as well, if there is one.

use std::{collections::BTreeSet, sync::atomic::Ordering, time::Duration};

use anyhow::anyhow;
use aws_sdk_sns::types::MessageAttributeValue;
use cost_rules::{
    mail::{Audience, Digest, MONTH, PlatformGets},
    policy::{PlatformMails, Policy},
    text::short_hash,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use lambda_runtime::tracing::warn;
use tokio::time::Instant;

use crate::{
    clients::{Clients, why::why},
    context::Context,
    report::Report,
    subscriptions::confirmed,
};

/// The most mails in a second. SNS suspends an e-mail subscription that gets more than 10 messages a second, and two functions may mail at a time.
pub(crate) const MAILS_A_SECOND: usize = 5;

/// Sends the mails of a run: when the next ones may be sent, and whether the platform's address gets them, too.
pub(crate) struct Pace<'a> {
    setting: PlatformMails,
    context: &'a Context,
    now: Timestamp,
    next: Option<Instant>,
    /// `None`: not asked yet.
    platform: Option<PlatformGets>,
}

impl<'a> Pace<'a> {
    /// For a run that began at `now`.
    pub(crate) const fn new(context: &'a Context, policy: &Policy, now: Timestamp) -> Self {
        Self { setting: policy.mail.platform, context, now, next: None, platform: None }
    }

    /// Sends at most [`MAILS_A_SECOND`] mails at once, not earlier than a second after the last ones. Returns the result of each, in any order. A mail that
    /// could not be sent in the time of this run is an error. What the chat does not take is a failure of the run, and changes nothing about the mail.
    pub(crate) async fn send<'d>(&mut self, digests: &[&'d Digest], report: &mut Report) -> Vec<(&'d Digest, Result<(), String>)> {
        let context = self.context;
        let platform = self.platform().await;
        let addressed: Vec<(&Digest, Audience)> = digests.iter().map(|digest| (*digest, platform.audience(digest))).collect();
        if let Some(next) = self.next.filter(|_| !context.time_is_up()) {
            tokio::time::sleep_until(next).await;
        }
        self.next = Some(Instant::now() + Duration::from_secs(1));
        let sent = stream::iter(addressed).map(async |(digest, audience)| (digest, send(context, digest, audience).await));
        let sent: Vec<_> = sent.buffer_unordered(MAILS_A_SECOND).collect().await;
        let reached: Vec<&Digest> = sent.iter().filter(|(_, sent)| sent.is_ok()).map(|(digest, _)| *digest).collect();
        self.note(&reached).await;
        self.tell_the_chat(&reached, report).await;
        sent
    }

    /// Tells the chat what was mailed. It is told once, as the mail is sent once.
    async fn tell_the_chat(&self, reached: &[&Digest], report: &mut Report) {
        let Some(topic) = self.context.settings.chat_topic_arn.as_deref() else { return };
        let told =
            stream::iter(reached).map(async |digest| tell(self.context, topic, digest, self.now).await).buffer_unordered(MAILS_A_SECOND);
        for why in told.filter_map(async |told| told.err()).collect::<Vec<_>>().await {
            warn!("{why}");
            report.failures.push(why);
        }
    }

    /// What the platform's address gets. If the ledger does not say so, it gets each mail.
    async fn platform(&mut self) -> &PlatformGets {
        if self.platform.is_none() {
            self.platform = Some(match self.setting {
                PlatformMails::EachMail => PlatformGets::EachMail,
                PlatformMails::DailySummary | PlatformMails::WeeklySummary => PlatformGets::Summary,
                PlatformMails::Automatic => match self.context.in_time(Box::pin(by_owners(self.context, self.now))).await {
                    Some(Ok(gets)) => gets,
                    not_known => {
                        warn!("whether the platform gets a summary is not known: {not_known:?}");
                        PlatformGets::EachMail
                    }
                },
            });
        }
        self.platform.as_ref().unwrap_or(&PlatformGets::EachMail)
    }

    /// Records the mails that were sent, for the platform's summary. A mail that is not recorded is missing there, and nothing else depends on it.
    async fn note(&mut self, reached: &[&Digest]) {
        let reached: Vec<&Digest> = reached.iter().copied().filter(|digest| digest.told.is_some()).collect();
        if reached.is_empty() || self.setting == PlatformMails::EachMail {
            return;
        }
        let mut begins = false;
        for digest in &reached {
            begins |= self.platform.as_mut().is_some_and(|platform| platform.count(&digest.owner));
        }
        let (ledger, now) = (self.context.ledger(), self.now);
        let noted = async {
            ledger.note_sent(&reached, now).await?;
            if begins { ledger.begin_summary(now).await } else { Ok(()) }
        };
        let noted = self.context.in_time(Box::pin(noted)).await;
        if !matches!(noted, Some(Ok(()))) {
            warn!("what was mailed is not in the platform's summary: {noted:?}");
        }
    }
}

/// Whether so many owners were mailed in the last month that the platform's address gets the summary. Once it does, it is not asked again.
async fn by_owners(context: &Context, now: Timestamp) -> anyhow::Result<PlatformGets> {
    let ledger = context.ledger();
    let known_to_have_begun = context.has_summary.load(Ordering::Relaxed);
    let sent = if known_to_have_begun { None } else { ledger.sent_unless_began(now - MONTH).await? };
    let Some(sent) = sent else {
        context.has_summary.store(true, Ordering::Relaxed);
        return Ok(PlatformGets::Summary);
    };
    let mut gets = PlatformGets::EachMailOf(BTreeSet::new());
    if sent.iter().any(|sent| gets.count(&sent.owner)) {
        ledger.begin_summary(now).await?;
    }
    Ok(gets)
}

async fn send(context: &Context, digest: &Digest, audience: Audience) -> Result<(), String> {
    let late = || format!("mail to {}: this run is out of time, the next one sends it", digest.owner);
    if context.time_is_up() {
        return Err(late());
    }
    let sent = context.in_time(publish(&context.clients, &context.settings.topic_arn, digest, audience)).await;
    sent.ok_or_else(late)?.map_err(|error| format!("{error:#}"))
}

/// Publishes what was mailed to the chat's topic.
async fn tell(context: &Context, topic: &str, digest: &Digest, now: Timestamp) -> Result<(), String> {
    let failed = |why: String| format!("what was mailed to {} is not in the chat ({topic}, CHAT_TOPIC_ARN): {why}", digest.owner);
    let id = format!("{}-{}-{}", context.function, now.as_millisecond(), short_hash(&format!("{}\n{}", digest.owner, digest.body)));
    let message = serde_json::to_string(&digest.for_chat(id)).map_err(|error| failed(error.to_string()))?;
    let sent = context.in_time(context.clients.sns.publish().topic_arn(topic).message(message).send()).await;
    let sent = sent.ok_or_else(|| failed("this run is out of time".into()))?;
    sent.map(drop).map_err(|error| failed(why(&error)))
}

/// Why no mail would reach anybody. Until somebody has confirmed a subscription, SNS accepts all mails and delivers none. Once a subscription is known, it is
/// not checked again.
pub(crate) async fn nobody_listens(context: &Context) -> Option<String> {
    if context.is_heard.load(Ordering::Relaxed) {
        return None;
    }
    let topic = &context.settings.topic_arn;
    match confirmed(&context.clients, topic).await {
        Ok(None | Some(1..)) => {
            context.is_heard.store(true, Ordering::Relaxed);
            None
        }
        Ok(Some(0)) => Some(format!("nobody has confirmed a subscription to {topic}: nobody is mailed until then")),
        // Publishing may work even so.
        Err(error) => {
            warn!("who is subscribed to {topic} is not known: {error:#}");
            None
        }
    }
}

/// Publishes one digest for an audience.
///
/// # Errors
/// SNS refuses the message. The error names the topic and the reason.
async fn publish(clients: &Clients, topic_arn: &str, digest: &Digest, audience: Audience) -> anyhow::Result<()> {
    let sent = clients
        .sns
        .publish()
        .topic_arn(topic_arn)
        .subject(&digest.subject)
        .message(&digest.body)
        .message_attributes("function", each(&digest.functions)?)
        .message_attributes("severity", attribute("String", digest.severity.as_str())?)
        .message_attributes("team", each(&digest.teams)?)
        .message_attributes("owner", each(&digest.owners())?)
        .message_attributes("audience", each(audience.words())?)
        .send()
        .await;
    sent.map(drop).map_err(|error| anyhow!("mail to {} through {topic_arn} (COST_GUARD_TOPIC_ARN): {}", digest.owner, why(&error)))
}

/// One value, or a list: a filter on any of its values matches it.
fn each<T: AsRef<str> + serde::Serialize>(values: &[T]) -> anyhow::Result<MessageAttributeValue> {
    match values {
        [one] => attribute("String", one.as_ref()),
        several => attribute("String.Array", &serde_json::to_string(several)?),
    }
}

fn attribute(data_type: &str, value: &str) -> anyhow::Result<MessageAttributeValue> {
    Ok(MessageAttributeValue::builder().data_type(data_type).string_value(value).build()?)
}
