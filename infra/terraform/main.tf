# The SageMaker cost guard by Terraform or OpenTofu: one CloudFormation stack of the packaged template. README.md explains it.

variable "stack_name" {
  description = "The stack's name. A second guard in the same account and Region needs another one, and is_only_stack = \"no\"."
  type        = string
  default     = "sagemaker-cost-guard"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,127}$", var.stack_name))
    error_message = "stack_name must begin with a letter, and have only letters, digits and hyphens."
  }
}

variable "template_url" {
  description = "Where the packaged template is: the https address of an object in S3, in any Region. Terraform sees a new version only if the address is a new one."
  type        = string
  default     = null

  validation {
    condition     = var.template_url == null || can(regex("^https://[^/]+/.+$", var.template_url))
    error_message = "template_url must be the https address of an object in S3, for example https://my-bucket.s3.eu-central-1.amazonaws.com/sagemaker-cost-guard/0.1.0/template.yaml."
  }
}

variable "template_file" {
  description = "The packaged template as a file on this machine, in place of template_url. CloudFormation takes 51,200 bytes at most this way, and the project's own template is larger."
  type        = string
  default     = null

  validation {
    condition     = (var.template_file == null) != (var.template_url == null)
    error_message = "Set either template_url or template_file: the stack is made of one template."
  }
  validation {
    condition     = var.template_file == null || try(fileexists(var.template_file), false)
    error_message = "template_file names a file that is not there."
  }
  validation {
    # Four characters of base64 are three bytes: 51,200 bytes are 68,267 characters.
    condition     = var.template_file == null || try(length(trim(filebase64(var.template_file), "=")) <= 68267, true)
    error_message = "The template in template_file has more than 51,200 bytes, and CloudFormation takes no more in a call. Put the file into an S3 bucket, and its https address into template_url."
  }
}

variable "tags" {
  description = "Tags of the stack, which CloudFormation writes on every resource of it that can be tagged."
  type        = map(string)
  default     = { application = "sagemaker-cost-guard" }
  nullable    = false
}

variable "deployment_role_arn" {
  description = "A role that CloudFormation takes to make the resources, in place of the caller's own permissions."
  type        = string
  default     = null
}

resource "aws_cloudformation_stack" "guard" {
  name          = var.stack_name
  template_url  = var.template_url
  template_body = var.template_file == null ? null : file(var.template_file)
  parameters    = local.parameters
  iam_role_arn  = var.deployment_role_arn
  tags          = var.tags

  # CAPABILITY_IAM: it makes roles. CAPABILITY_AUTO_EXPAND: Terraform makes no change set, and so CloudFormation wants to hear that SAM's transform may add resources.
  capabilities = ["CAPABILITY_AUTO_EXPAND", "CAPABILITY_IAM"]
}

output "stack_id" {
  description = "The stack's ARN."
  value       = aws_cloudformation_stack.guard.id
}
