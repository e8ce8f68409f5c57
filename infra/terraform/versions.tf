terraform {
  # A validation that looks at a second variable came with 1.9, in Terraform and in OpenTofu.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # The oldest that `make test` plans with. What is used of it has not changed since.
      version = ">= 3.39"
    }
  }
}
