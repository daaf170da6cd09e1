"""``mirage arithmetic query`` on the command line: its options, and what it prints."""

from __future__ import annotations

import argparse
import os
import shlex

FOLDER = "runs/arithmetic-query"


def add(steps: argparse._SubParsersAction) -> None:
    """Describe the command."""
    query = steps.add_parser(
        "query",
        help="ask models behind an OpenAI-compatible address; goes on where it was stopped",
        description="Ask models held-out arithmetic. Every answer is kept in the run's folder; the same command "
        "again asks only what is missing. The key is read from the environment.",
    )
    add = query.add_argument
    shown = "(default: %(default)s)"
    add("--base-url", help="root of the API, such as http://localhost:8000/v1 (default: OPENAI_BASE_URL)")
    add("--api", choices=("completions", "chat"), default="completions", help=shown)
    add(
        "--model", action="append", required=True, metavar="NAME=PARAMETERS[=LABEL]",
        help="a model to ask, with its number of parameters, such as my-model=135M; may be given several times",
    )  # fmt: skip
    add("--family", help="name of the family in the table (default: the first model's)")
    add("--n", type=int, default=100, help=f"prompts a target length {shown}")
    add("--shots", type=int, default=2, help=f"solved examples in a prompt {shown}")
    add(
        "--template", default="plain",
        help=f"plain, spaced, words, or a text with {{a}}, {{b}}, {{answer}}, where \\n is a line break {shown}",
    )  # fmt: skip
    add("--task", nargs="+", default=["multiplication", "addition"], help="(default: multiplication addition)")
    add("--lengths", nargs="+", type=int, default=[], help="target lengths (default: all)")
    add("--temperature", nargs="+", type=float, default=[0.0], help="one or several (default: 0)")
    add("--samples", type=int, default=1, help=f"answers a prompt and temperature {shown}")
    add("--seed", type=int, help="chooses the prompts (default: 0), and is sent to the server (default: none is)")
    add("--max-tokens", type=int, help="longest answer (default: 16, or 32 in a chat)")
    add("--max-tokens-as", default="max_tokens", help=f"what the server calls it, in a chat {shown}")
    add("--stop", action="append", help="ends an answer; several times (default: \\n, or none in a chat)")
    add("--accept-model-name", action="append", default=[], help="another name the server may answer under")
    add("--key-variable", default="OPENAI_API_KEY", help=f"environment variable that holds the key {shown}")
    add("--concurrency", type=int, default=8, help=f"requests at a time {shown}")
    add("--tries", type=int, default=8, help=f"tries a prompt {shown}")
    add("--deadline", type=float, default=60.0, help=f"seconds a try may take {shown}")
    add("--backoff", type=float, default=0.5, help=f"seconds before the second try; doubles {shown}")
    add("--price-in", type=float, help="price of a million prompt tokens")
    add("--price-out", type=float, help="price of a million completion tokens")
    add("--dry-run", action="store_true", help="only say what would be asked, and what it would cost")
    add("--out", default=FOLDER, help=f"folder of the run {shown}")
    add("--name", help="freeze the answers under this name (default: answers.parquet in the run's folder)")
    add("--into", help="folder to freeze into, with --name (default: the library's own)")
    add("--licence", default="not stated", help="under which the models' answers may be passed on")
    query.set_defaults(run=run_query)


def run_query(options: argparse.Namespace) -> None:
    """Ask, say how it went, and freeze the answers once all are there."""
    from mirage_lib import outputs
    from mirage_lib.arithmetic import query

    settings = _settings(options)
    print(f"Asking {', '.join(m.label for m in settings.models)} at {settings.base_url}, run in {options.out}")
    whole, rest = query.requests(settings), query.cost(settings, options.out)
    if rest.requests < whole.height:
        print(f"{whole.height - rest.requests:,} of {whole.height:,} answers are there; what is left:")
    print(rest.text(options.price_in, options.price_out))
    if options.dry_run:
        print("First request:\n" + "\n".join(f"    {line}" for line in whole["sent"][0].split("\n")))
        return
    report = query.ask(
        settings, options.out, options.concurrency, options.key_variable,
        options.accept_model_name, options.max_tokens_as,
        tries=options.tries, deadline=options.deadline, backoff=options.backoff,
    )  # fmt: skip
    print(f"{report.answered:,} answered now, {report.before:,} before.")
    if report.left:
        reasons = "; ".join(f"{n} times {why}" for why, n in report.failures.most_common(3))
        raise query.QueryError(
            f"{report.left} of {whole.height} prompts stay unanswered after {options.tries} tries each ({reasons}): "
            "run the same command again, it asks only these"
        )
    into = options.out if not options.name else options.into or outputs.FROZEN
    path = query.freeze(settings, options.out, options.name or "answers", into, options.licence)
    print(f"Frozen: {path}, SHA-256 {outputs.sha256(path)}")
    print(f"Score it: mirage score {shlex.quote(str(path))}")


def _settings(options: argparse.Namespace):
    from mirage_lib.arithmetic import query

    base_url = options.base_url or os.environ.get("OPENAI_BASE_URL")
    if not base_url:
        raise query.QueryError(
            "no address: give --base-url or set OPENAI_BASE_URL, such as http://localhost:8000/v1"
        )
    models = [query.model(text) for text in options.model]
    return query.Settings(
        base_url=base_url,
        models=models,
        family=options.family or models[0].label,
        api=options.api,
        n=options.n,
        shots=options.shots,
        template=options.template.replace("\\n", "\n"),
        tasks=tuple(options.task),
        lengths=tuple(options.lengths),
        temperatures=tuple(options.temperature),
        samples=options.samples,
        seed=options.seed,
        max_tokens=options.max_tokens,
        stop=None if options.stop is None else tuple(text.replace("\\n", "\n") for text in options.stop if text),
    )
