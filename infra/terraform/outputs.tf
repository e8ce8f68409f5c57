# Made by `make docs` from infra/template.yaml. A test fails when it is stale.

output "topic_arn" {
  description = "Owners and teams subscribe here, filtered by the attributes owner and team (docs/deploy.md: Who gets which mail)."
  value       = lookup(aws_cloudformation_stack.guard.outputs, "TopicArn", null)
}

output "chat_topic_arn" {
  description = "What the chat channels hear (docs/chat.md says how to test it)."
  value       = lookup(aws_cloudformation_stack.guard.outputs, "ChatTopicArn", null)
}

output "ops_topic_arn" {
  description = "The alarms about the guard itself. docs/runbook.md has a page for each."
  value       = lookup(aws_cloudformation_stack.guard.outputs, "OpsTopicArn", null)
}

output "dashboard_url" {
  description = "What it finds, does and costs, over the days. Outside the partition aws, it is the dashboard's name, as the console has another address there."
  value       = lookup(aws_cloudformation_stack.guard.outputs, "DashboardUrl", null)
}

output "ledger_table" {
  description = "What the guard remembers."
  value       = lookup(aws_cloudformation_stack.guard.outputs, "LedgerTable", null)
}

output "notebook_stopper_function" {
  description = "Try it: aws lambda invoke --region <region> --cli-read-timeout 310 --function-name <this> --payload '{\"dry-run\":true}' --cli-binary-format raw-in-base64-out report.json"
  value       = lookup(aws_cloudformation_stack.guard.outputs, "NotebookStopperFunction", null)
}

output "training_job_spot_enforcer_function" {
  description = "Try it: aws lambda invoke --region <region> --cli-read-timeout 310 --function-name <this> --payload '{\"dry-run\":true}' --cli-binary-format raw-in-base64-out report.json"
  value       = lookup(aws_cloudformation_stack.guard.outputs, "TrainingJobSpotEnforcerFunction", null)
}

output "tag_auditor_function" {
  description = "Try it: aws lambda invoke --region <region> --cli-read-timeout 310 --function-name <this> --payload '{\"dry-run\":true}' --cli-binary-format raw-in-base64-out report.json"
  value       = lookup(aws_cloudformation_stack.guard.outputs, "TagAuditorFunction", null)
}

output "endpoint_autoscaler_function" {
  description = "Try it: aws lambda invoke --region <region> --cli-read-timeout 310 --function-name <this> --payload '{\"dry-run\":true}' --cli-binary-format raw-in-base64-out report.json"
  value       = lookup(aws_cloudformation_stack.guard.outputs, "EndpointAutoscalerFunction", null)
}

output "inference_advisor_function" {
  description = "Try it: aws lambda invoke --region <region> --cli-read-timeout 310 --function-name <this> --payload '{\"dry-run\":true}' --cli-binary-format raw-in-base64-out report.json"
  value       = lookup(aws_cloudformation_stack.guard.outputs, "InferenceAdvisorFunction", null)
}

output "cost_reporter_function" {
  description = "Mail what waits: aws lambda invoke --region <region> --cli-read-timeout 310 --function-name <this> --payload '{\"mail-now\":true}' --cli-binary-format raw-in-base64-out report.json"
  value       = lookup(aws_cloudformation_stack.guard.outputs, "CostReporterFunction", null)
}

output "budget_alerter_function" {
  description = "Try it: aws lambda invoke --region <region> --cli-read-timeout 310 --function-name <this> --payload '{\"dry-run\":true}' --cli-binary-format raw-in-base64-out report.json"
  value       = lookup(aws_cloudformation_stack.guard.outputs, "BudgetAlerterFunction", null)
}

output "savings_plan_advisor_function" {
  description = "Try it: aws lambda invoke --region <region> --cli-read-timeout 310 --function-name <this> --payload '{\"dry-run\":true}' --cli-binary-format raw-in-base64-out report.json"
  value       = lookup(aws_cloudformation_stack.guard.outputs, "SavingsPlanAdvisorFunction", null)
}

output "budget_topic_arn" {
  description = "Add this topic to the notifications of your budgets, and their alarms come with their causes at once."
  value       = lookup(aws_cloudformation_stack.guard.outputs, "BudgetTopicArn", null)
}

output "dead_letter_queue" {
  description = "Events that could not be handled."
  value       = lookup(aws_cloudformation_stack.guard.outputs, "DeadLetterQueue", null)
}
