"""A story in words, for those who hear it or search in it."""

from collections.abc import Iterator

from queue_emulator.drawing.story import Begin, Chapter, End, Operation, Reach, Story


def description(story: Story) -> str:
    """All that the picture shows, a sentence each."""
    return "\n".join(_sentences(story))


def _sentences(story: Story) -> Iterator[str]:
    for heading, text in story.says:
        yield f"{heading}: {text}"
    for lane in story.lanes:
        yield f"{lane.name} is at {lane.location}{f', {lane.note}' if lane.note else ''}."
    lanes = {moment.number: moment.lane for moment in story.moments if isinstance(moment, Begin)}
    last_ms = None
    for index, moment in enumerate(story.moments):
        if last_ms is not None and moment.at_ms > last_ms:
            yield f"{(moment.at_ms - last_ms) / 1000:g} s pass."
        last_ms = moment.at_ms
        yield f"{moment.title}:" if isinstance(moment, Chapter) else _sentence(moment, lanes[moment.number])
        yield from (f"From here on: {bar.text}." for bar in story.bars if bar.first == index)
        yield from (f"No longer: {bar.text}." for bar in story.bars if bar.last == index)
    if story.verdict:
        yield f"{story.verdict}."
    if story.command:
        yield f"See it again: {story.command}"


def _sentence(moment: Begin | Operation | End, lane: str) -> str:
    if isinstance(moment, Begin):
        return f"{lane} asks: {moment.title}."
    if isinstance(moment, End):
        return f"{lane} is answered: {moment.answer}."
    beside = f", from a copy, {', '.join(moment.beside)}" if moment.place is Reach.COPY else ""
    return f"{moment.position}. {lane}: {moment.what}: {moment.said}{beside}."
