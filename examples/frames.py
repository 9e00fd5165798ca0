"""Extended XYZ files as texts."""


def frames_of(path):
    """The frames of an extended XYZ file, as texts."""
    lines = path.read_text().splitlines(keepends=True)
    frames, at = [], 0
    while at < len(lines):
        end = at + int(lines[at]) + 2
        frames.append("".join(lines[at:end]))
        at = end
    return frames
