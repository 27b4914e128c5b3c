"""
Takes shell scripts apart and holds their AWS CLI commands to botocore's models, from which the AWS CLI makes its own.

Standard input: [{"script": ..., "complete": ...}, ...]. Standard output, for each: [{"words": [...], "wrong": ...}, ...], where
`wrong` says what the AWS CLI would not take, or is null. Where a command is not complete, no option is missed.
"""

import functools
import json
import re
import shlex
import sys

import botocore.session
from botocore import xform_name

GLOBAL = {"region", "profile", "output", "query", "endpoint-url", "cli-binary-format", "no-cli-pager", "cli-input-json"}
# Commands that the AWS CLI has over the API.
S3 = {"ls": {"recursive"}, "cp": {"recursive", "only-show-errors"}}
SESSION = botocore.session.get_session()


def commands(script):
    """Its simple commands, as lists of words: without comments, assignments and redirections to files."""
    # Placeholders such as <IS_HOME> are no redirections.
    text = re.sub(r"<([A-Z_-]+)>", r"\1", script.replace("\\\n", " "))
    # Not by the lexer, to which the # of ${name##*/} begins a comment too.
    text = re.sub(r"(^|\s)#[^\n]*", r"\1", text)
    lexer = shlex.shlex(text, posix=True, punctuation_chars="();<>|&\n")
    lexer.commenters, lexer.whitespace, lexer.whitespace_split = "", " \t", True
    command = []
    for word in lexer:
        if word.strip("();<>|&\n") == "":
            yield command
            command = []
        elif command or not re.match(r"\w+=", word):
            command.append(word)
    yield command


@functools.cache
def operations(service):
    model = SESSION.get_service_model(service)
    return {xform_name(name, "-"): model.operation_model(name) for name in model.operation_names}


def wrong(words, complete):
    service, operation, *rest = words[1:]
    # The AWS CLI's name for what botocore calls s3; its own `s3` is another.
    model = "s3" if service == "s3api" else service
    options = [word[2:].split("=")[0] for word in rest if word.startswith("--")]
    if service == "s3":
        known, required = S3.get(operation, set()), set()
        if operation not in S3:
            return f"no command {operation} that is known here"
    else:
        if model not in SESSION.get_available_services():
            return f"no service {service}"
        if operation not in operations(model):
            return f"{service} has no operation {operation}"
        shape = operations(model)[operation].input_shape
        members = shape.members if shape else {}
        known = {xform_name(name, "-") for name in members}
        known |= {f"no-{xform_name(name, '-')}" for name, member in members.items() if member.type_name == "boolean"}
        required = {xform_name(name, "-") for name in (shape.required_members if shape else [])}
    unknown = [option for option in options if option not in known | GLOBAL]
    if unknown:
        return f"{service} {operation} has no option --{unknown[0]}"
    missing = sorted(required - set(options)) if complete else []
    # A token against a second execution, which the AWS CLI makes itself.
    missing = [option for option in missing if option not in ("creation-token", "client-token", "client-request-token")]
    return f"{service} {operation} needs --{missing[0]}" if missing else None


def check(words, complete):
    return {"words": words, "wrong": wrong(words, complete) if words[0] == "aws" and len(words) > 2 else None}


json.dump(
    [[check(words, each["complete"]) for words in commands(each["script"]) if words] for each in json.load(sys.stdin)],
    sys.stdout,
)
