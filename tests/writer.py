"""A script that writes questions about `pages` and answers them: what the parts of proposing do, without torch."""

import re


def writing(request, rng, skill):
    """As a proposer: searches for the answer and asks for a fact of the page that came first, now and then another one's."""
    told = request.messages[-1].content
    if request.role == "proposer":
        if request.after is None:
            return f"<call>search {request.task.key}</call>"
        said = re.findall(r"\w+", told.split("\n")[0])
        what = next((said[i - 1] for i in (2, 4) if said[i] == request.task.key), said[1])
        return f"<question>{what if rng.random() < 0.6 else 'pet'} of {said[0]}?</question>"
    asked = "\n".join(turn.content for turn in (*request.task.messages, *request.messages))
    what, hop, who = [("", "", ""), *re.findall(r"(\w+) of (friend of )?(\w+)\?", asked)][-1]
    if request.role == "solver" and request.after is None:
        return f"<call>search {who} {'friend' if hop else what}</call>"
    if request.role == "solver" and hop:
        if len(request.after.messages) == 1:
            return f"<call>search {fact(told, who, 'friend')} {what}</call>"
        who = request.after.text.split()[1]
    known = request.role == "reader" or rng.random() < skill
    return f"#### {fact(told, who, what) if known else 'nobody'}"


def fact(told, who, what):
    """What is said of somebody."""
    found = re.findall(rf"\b{who} (?:home \w+ )?(?:friend \w+ )?{what} (\w+)", told)
    return found[0] if found else "nobody"
