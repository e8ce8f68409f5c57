# Made by `make docs` from infra/template.yaml. A test fails when it is stale.

variable "alert_email" {
  description = "Who runs the platform. Gets every mail, and from ten owners on a daily summary in place of theirs; the policy may say otherwise. Owners and teams subscribe to the topic themselves, filtered by the attributes owner and team."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", var.alert_email))
    error_message = "AlertEmail must be an e-mail address."
  }
}

variable "ops_email" {
  description = "Who gets the alarms about the guard itself. Empty means AlertEmail."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([^@ ]+@[^@ ]+\\.[^@ ]+)?$", var.ops_email))
    error_message = "OpsEmail must be an e-mail address, or nothing."
  }
}

variable "schedule_timezone" {
  description = "The time zone of schedules that are a cron(...), for example Europe/Berlin. A rate(...) has none."
  type        = string
  default     = "UTC"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_+/-]+$", var.schedule_timezone))
    error_message = "ScheduleTimezone must be an IANA time zone."
  }
}

variable "policy_parameter" {
  description = "Name of the SSM parameter with the policy, for example /cost-guard/policy. Empty means the built-in policy, which only reports."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+)*$", var.policy_parameter))
    error_message = "PolicyParameter must be a parameter name that begins with /, or nothing."
  }
}

variable "is_home_region" {
  description = "Whether this is the one Region of the account whose stack looks after budgets. Budgets and the bill are the whole account's; in the stacks of other Regions say \"no\", or every mail comes twice. Also \"no\" where AWS Budgets does not exist (GovCloud, European Sovereign Cloud)."
  type        = string
  default     = "yes"
  nullable    = false

  validation {
    condition     = contains(["yes", "no"], var.is_home_region)
    error_message = "IsHomeRegion must be one of yes, no."
  }
}

variable "is_only_stack" {
  description = "Whether this stack keeps a second one out of this account and Region. Two would mail everything twice. Say \"no\" for a stack beside another, for example to try a new version on a policy whose mails go to you."
  type        = string
  default     = "yes"
  nullable    = false

  validation {
    condition     = contains(["yes", "no"], var.is_only_stack)
    error_message = "IsOnlyStack must be one of yes, no."
  }
}

variable "allow_enforcement" {
  description = "Whether the functions' roles may stop anything, write tags, attach auto scaling to endpoints, or activate cost allocation tags. With \"no\", report mode is guaranteed by IAM, whatever the policy says."
  type        = string
  default     = "no"
  nullable    = false

  validation {
    condition     = contains(["yes", "no"], var.allow_enforcement)
    error_message = "AllowEnforcement must be one of yes, no."
  }
}

variable "allow_resubmission" {
  description = "Whether training-job-spot-enforcer may also create training jobs, to submit jobs again as Spot. It then needs iam:PassRole on their roles. Only with AllowEnforcement."
  type        = string
  default     = "no"
  nullable    = false

  validation {
    condition     = contains(["yes", "no"], var.allow_resubmission)
    error_message = "AllowResubmission must be one of yes, no."
  }

  validation {
    condition     = var.allow_resubmission != "yes" || var.allow_enforcement == "yes"
    error_message = "AllowResubmission stops jobs too, and so needs AllowEnforcement = yes."
  }
}

variable "training_role_pattern" {
  description = "Which roles a job that is submitted again may have, with their path and with * for any part, for example service-role/AmazonSageMaker-*. (The console makes SageMaker's roles under service-role/.) Only with AllowResubmission."
  type        = string
  default     = "*"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_/*-]+$", var.training_role_pattern))
    error_message = "TrainingRolePattern must be a role's path and name, with * for any part of it."
  }
}

variable "allow_hibernation" {
  description = "Whether endpoint-autoscaler may also delete endpoints that nobody needs now, after it has stored all that it takes to create them again, and create them again. Only with AllowEnforcement."
  type        = string
  default     = "no"
  nullable    = false

  validation {
    condition     = contains(["yes", "no"], var.allow_hibernation)
    error_message = "AllowHibernation must be one of yes, no."
  }

  validation {
    condition     = var.allow_hibernation != "yes" || var.allow_enforcement == "yes"
    error_message = "AllowHibernation deletes endpoints, and so needs AllowEnforcement = yes."
  }
}

variable "watch_creations" {
  description = "Whether tag-auditor hears of every SageMaker resource as it is created, and by whom. Needs a CloudTrail trail with management events in this Region; without one nothing comes."
  type        = string
  default     = "yes"
  nullable    = false

  validation {
    condition     = contains(["yes", "no"], var.watch_creations)
    error_message = "WatchCreations must be one of yes, no."
  }
}

variable "topic_arn" {
  description = "An SNS topic of yours in this Region for the mails, in place of the stack's own. Empty means that the stack makes one, and subscribes AlertEmail to it. A topic of yours has your subscriptions only."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+)?$", var.topic_arn))
    error_message = "TopicArn must be the ARN of a standard topic, or nothing."
  }
}

variable "topic_key_arn" {
  description = "The KMS key that encrypts the topic of TopicArn. Empty means that it has none, or AWS's own. Only with TopicArn."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$", var.topic_key_arn))
    error_message = "TopicKeyArn must be the ARN of a key, or nothing."
  }

  validation {
    condition     = var.topic_key_arn == "" || var.topic_arn != ""
    error_message = "TopicKeyArn is the key of the topic in TopicArn, and so needs TopicArn. The stack's own topics have a key of their own."
  }
}

variable "permissions_boundary" {
  description = "The ARN of a managed policy that bounds every role of the stack, where your organization wants one on each role. It must let through what docs/permissions.md lists. Empty means none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+)?$", var.permissions_boundary))
    error_message = "PermissionsBoundary must be the ARN of a managed policy, or nothing."
  }
}

variable "report_bucket" {
  description = "An S3 bucket of yours, in any Region of the partition, for cost reports, in place of the stack's own; and for the table of the tag coverage, if the policy names it ([coverage] bucket). Empty means that the stack of the home Region makes one for the reports."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$", var.report_bucket))
    error_message = "ReportBucket must be the name of a bucket, or nothing."
  }
}

variable "slack_workspace_id" {
  description = "The Slack workspace of SlackChannelId, as the console of Amazon Q Developer in chat applications shows it after somebody has authorized the workspace there (docs/chat.md). Only with SlackChannelId."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Z]{0,255}$", var.slack_workspace_id))
    error_message = "SlackWorkspaceId must be capitals and digits such as T0123ABCD, or nothing."
  }
}

variable "slack_channel_id" {
  description = "The Slack channel that hears of findings. It may have no other configuration in this account. Empty means none. Only with SlackWorkspaceId."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^[0-9A-Za-z]{0,256}$", var.slack_channel_id))
    error_message = "SlackChannelId must be letters and digits such as C0123ABCD, or nothing."
  }

  validation {
    condition     = !((var.slack_channel_id != "") || (var.slack_workspace_id != "")) || (var.slack_channel_id != "") && (var.slack_workspace_id != "")
    error_message = "A Slack channel needs both SlackWorkspaceId and SlackChannelId."
  }
}

variable "teams_team_id" {
  description = "The Microsoft Teams team of TeamsChannelId, as the console of Amazon Q Developer in chat applications shows it after somebody has authorized the team there (docs/chat.md). Only with TeamsTenantId and TeamsChannelId."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$", var.teams_team_id))
    error_message = "TeamsTeamId must be a UUID, or nothing."
  }
}

variable "teams_tenant_id" {
  description = "The tenant of TeamsTeamId, which the console shows beside it. Only with TeamsTeamId and TeamsChannelId."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$", var.teams_tenant_id))
    error_message = "TeamsTenantId must be a UUID, or nothing."
  }
}

variable "teams_channel_id" {
  description = "The Microsoft Teams channel that hears of findings, as it stands in the channel's link. It may have no other configuration in this account. Empty means none. Only with TeamsTeamId and TeamsTenantId."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([0-9A-Za-z_=+/.,-]*%3[aA][0-9A-Za-z_=+/.,-]*%40[0-9A-Za-z_=+/.,-]*)?$", var.teams_channel_id))
    error_message = "TeamsChannelId must be a channel's ID such as 19%3a0123abcd%40thread.tacv2, or nothing."
  }

  validation {
    condition     = !((var.teams_channel_id != "") || (var.teams_team_id != "") || (var.teams_tenant_id != "")) || (var.teams_channel_id != "") && (var.teams_team_id != "") && (var.teams_tenant_id != "")
    error_message = "A Teams channel needs TeamsTeamId, TeamsTenantId and TeamsChannelId."
  }
}

variable "publish_events" {
  description = "Whether the functions also put what becomes of each finding on an EventBridge bus of the account, as events with the source sagemaker-cost-guard (docs/events.md). Whoever may make rules on that bus can then read names, owners and costs. AWS charges $1 for a million events."
  type        = string
  default     = "no"
  nullable    = false

  validation {
    condition     = contains(["yes", "no"], var.publish_events)
    error_message = "PublishEvents must be one of yes, no."
  }
}

variable "event_bus_name" {
  description = "The bus for these events, of this account and Region. Only with PublishEvents."
  type        = string
  default     = "default"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_./-]{1,256}$", var.event_bus_name))
    error_message = "EventBusName must be the name of a bus."
  }
}

variable "notebook_schedule" {
  description = "When notebook-stopper looks at everything. Every quarter of an hour, so that it is there when working hours end."
  type        = string
  default     = "cron(0/15 * * * ? *)"
  nullable    = false

  validation {
    condition     = can(regex("^(rate|cron)\\(.+\\)$", var.notebook_schedule))
    error_message = "NotebookSchedule must be cron(0/15 * * * ? *), or rate(...)."
  }
}

variable "training_sweep_schedule" {
  description = "When training-job-spot-enforcer looks at all jobs, once a day or oftener (after two days of silence an alarm is raised). The events of new jobs wake it in between."
  type        = string
  default     = "cron(0 7 * * ? *)"
  nullable    = false

  validation {
    condition     = can(regex("^(rate|cron)\\(.+\\)$", var.training_sweep_schedule))
    error_message = "TrainingSweepSchedule must be cron(0 7 * * ? *), or rate(...)."
  }
}

variable "tag_audit_schedule" {
  description = "When tag-auditor looks at the tags of everything, once a day or oftener (after two days of silence an alarm is raised)."
  type        = string
  default     = "cron(30 7 * * ? *)"
  nullable    = false

  validation {
    condition     = can(regex("^(rate|cron)\\(.+\\)$", var.tag_audit_schedule))
    error_message = "TagAuditSchedule must be cron(30 7 * * ? *), or rate(...)."
  }
}

variable "endpoint_schedule" {
  description = "When endpoint-autoscaler looks at all endpoints, once a day or oftener (after two days of silence an alarm is raised). Each run reads CloudWatch metrics, at $0.01 per 1,000."
  type        = string
  default     = "cron(45 7 * * ? *)"
  nullable    = false

  validation {
    condition     = can(regex("^(rate|cron)\\(.+\\)$", var.endpoint_schedule))
    error_message = "EndpointSchedule must be cron(45 7 * * ? *), or rate(...)."
  }
}

variable "inference_schedule" {
  description = "When inference-advisor looks whether another way of serving would be cheaper, once a week. Each run reads CloudWatch metrics, at $0.01 per 1,000."
  type        = string
  default     = "cron(0 8 ? * MON *)"
  nullable    = false

  validation {
    condition     = can(regex("^(rate|cron)\\(.+\\)$", var.inference_schedule))
    error_message = "InferenceSchedule must be cron(0 8 ? * MON *), or rate(...)."
  }
}

variable "savings_plan_schedule" {
  description = "When savings-plan-advisor looks at Savings Plans and training plans. What it asks of Cost Explorer (some 5 cents) is asked once a week, however often it runs."
  type        = string
  default     = "cron(0 9 * * ? *)"
  nullable    = false

  validation {
    condition     = can(regex("^(rate|cron)\\(.+\\)$", var.savings_plan_schedule))
    error_message = "SavingsPlanSchedule must be cron(0 9 * * ? *), or rate(...)."
  }
}

variable "budget_schedule" {
  description = "When budget-alerter looks at the budgets, once a day or oftener (after two days of silence an alarm is raised). What it asks of Cost Explorer (some 3 cents) is asked once a day, however often it runs."
  type        = string
  default     = "cron(15 3/6 * * ? *)"
  nullable    = false

  validation {
    condition     = can(regex("^(rate|cron)\\(.+\\)$", var.budget_schedule))
    error_message = "BudgetSchedule must be cron(15 3/6 * * ? *), or rate(...)."
  }
}

variable "hours_until_silence_alarm" {
  description = "After how many hours without a whole run of notebook-stopper an alarm is raised. More than its schedule, and a day at most."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.hours_until_silence_alarm >= 1 && var.hours_until_silence_alarm <= 24
    error_message = "HoursUntilSilenceAlarm must be 1 to 24."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365], var.log_retention_days)
    error_message = "LogRetentionDays must be one of 7, 14, 30, 60, 90, 180, 365."
  }
}

variable "reserve_concurrency" {
  description = "Whether the functions reserve their concurrency, so that two runs never overlap. They do no harm if they do; accounts with a Lambda quota of 10 cannot reserve any."
  type        = string
  default     = "no"
  nullable    = false

  validation {
    condition     = contains(["yes", "no"], var.reserve_concurrency)
    error_message = "ReserveConcurrency must be one of yes, no."
  }
}

variable "test_event_source" {
  description = "One more source whose events are taken for SageMaker's, so that a test can send some (AWS lets nobody send as aws.sagemaker). Empty in production."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]*$", var.test_event_source)) && !can(regex("^aws[.]", var.test_event_source))
    error_message = "TestEventSource must be the source of a test's own events, or nothing."
  }
}

locals {
  parameters = {
    AlertEmail             = var.alert_email
    OpsEmail               = var.ops_email
    ScheduleTimezone       = var.schedule_timezone
    PolicyParameter        = var.policy_parameter
    IsHomeRegion           = var.is_home_region
    IsOnlyStack            = var.is_only_stack
    AllowEnforcement       = var.allow_enforcement
    AllowResubmission      = var.allow_resubmission
    TrainingRolePattern    = var.training_role_pattern
    AllowHibernation       = var.allow_hibernation
    WatchCreations         = var.watch_creations
    TopicArn               = var.topic_arn
    TopicKeyArn            = var.topic_key_arn
    PermissionsBoundary    = var.permissions_boundary
    ReportBucket           = var.report_bucket
    SlackWorkspaceId       = var.slack_workspace_id
    SlackChannelId         = var.slack_channel_id
    TeamsTeamId            = var.teams_team_id
    TeamsTenantId          = var.teams_tenant_id
    TeamsChannelId         = var.teams_channel_id
    PublishEvents          = var.publish_events
    EventBusName           = var.event_bus_name
    NotebookSchedule       = var.notebook_schedule
    TrainingSweepSchedule  = var.training_sweep_schedule
    TagAuditSchedule       = var.tag_audit_schedule
    EndpointSchedule       = var.endpoint_schedule
    InferenceSchedule      = var.inference_schedule
    SavingsPlanSchedule    = var.savings_plan_schedule
    BudgetSchedule         = var.budget_schedule
    HoursUntilSilenceAlarm = tostring(var.hours_until_silence_alarm)
    LogRetentionDays       = tostring(var.log_retention_days)
    ReserveConcurrency     = var.reserve_concurrency
    TestEventSource        = var.test_event_source
  }
}
