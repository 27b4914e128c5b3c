"""The local AWS: MiniStack in this process, with what it lacks added. Started by local/local-aws.ts; see README.md."""
