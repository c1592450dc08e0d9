#!/usr/bin/env python3
"""tests/lint_headers.py FILE...: what a header owes its reader. Prints FILE:LINE: what is missing; exits with 1.

documentation  a public function (nb_..., negbank_...) has a /** comment */ directly above it that names each of its
               parameters (`err` is explained once, in common/base/status.h); where it returns nb_status, an @return names
               the statuses it may give, or the function whose statuses they are ("as nb_..."); in a room that uses MPI
               the comment, or that of the file, says what is collective. A type has a comment.
parameters     no function takes more than six
types          a type of a header, or one named nb_..., is defined in one place (`struct reader` of a .c file is its own)
"""
import bisect
import collections
import re
import sys

PARAMETERS_MAX = 6
COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r'^[ \t]*#(?:\\\n|[^\n])*', re.M)
NOT_CALLS = {'__attribute__', '_Static_assert', 'static_assert', '_Alignas', 'sizeof', 'typeof', '__typeof__'}


class Source:
    """A file with its comments apart and its code blanked down to what declares something."""

    def __init__(self, path):
        self.path = path
        with open(path, encoding='utf-8') as f:
            self.text = f.read()
        self.starts = [0] + [m.end() for m in re.finditer('\n', self.text)]
        self.comments = []  # (begin, end), in order

        def blank(match):
            word = match.group()
            if word[0] == '/':
                self.comments.append(match.span())
            return re.sub(r'[^\n]', ' ' if word[0] == '/' else '0', word)
        code = COMMENT.sub(blank, self.text)
        self.code = DIRECTIVE.sub(lambda m: re.sub(r'[^\n]', ' ', m.group()), code)

    def line(self, at):
        return bisect.bisect_right(self.starts, at)

    def comment_above(self, at):
        """The comment that ends on the line before `at`, or is on the same line; '' without one."""
        i = bisect.bisect_right(self.comments, (at,)) - 1
        if i < 0:
            return ''
        begin, end = self.comments[i]
        between = self.text[end:at]
        return self.text[begin:end] if not between.strip() and between.count('\n') <= 1 else ''

    def comment_behind(self, at):
        end = self.text.find('\n', at)
        i = bisect.bisect_left(self.comments, (at,))
        return self.text[slice(*self.comments[i])] if i < len(self.comments) and self.comments[i][0] < end else ''

    def comment_of_file(self):
        return next((self.text[b:e] for b, e in self.comments if self.text.startswith('/*', b)), '')

    def declarations(self):
        """(begin, end, head) of all that stands outside braces; a body in braces is left out of the head."""
        depth, begin, head = 0, None, []
        for match in re.finditer(r'[{};]|[^{};\s][^{};]*|\s+', self.code):
            word, at = match.group(), match.start()
            if word == '{':
                depth += 1
            elif word == '}':
                depth -= 1
                # A function's body ends its declaration; that of a type goes on to ';'.
                if depth == 0 and re.search(r'\)\s*$', ''.join(head)) and not head[0].startswith('typedef'):
                    yield begin, match.end(), ''.join(head)
                    begin, head = None, []
                elif depth == 0:
                    head.append(' {} ')
            elif depth > 0:
                continue
            elif word == ';':
                if begin is not None:
                    yield begin, match.end(), ''.join(head)
                begin, head = None, []
            elif not word.isspace() or begin is not None:
                if begin is None:
                    begin = at
                head.append(word)


def parameters_of(text):
    """The names of a parameter list, '' for one without a name."""
    parts, depth, last = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in '([') - (c in ')]')
        if c == ',' and depth == 0:
            parts.append(text[last:i])
            last = i + 1
    parts.append(text[last:])
    parts = [p.strip() for p in parts]
    if parts in (['void'], ['']):
        return []
    names = []
    for part in parts:
        called = re.search(r'\(\s*\*\s*(?:const\s+)?(\w+)', part)
        plain = re.search(r'(\w+)\s*(?:\[[^\]]*\]\s*)*$', part)
        names.append(called.group(1) if called else plain.group(1) if plain else '')
    return names


def function_of(head):
    """(name, what is before it, its parameters) of the declaration of a function, else None."""
    if head.startswith('typedef') or '=' in head.split('(')[0]:
        return None
    for match in re.finditer(r'(\w+)\s*\(', head):
        if match.group(1) in NOT_CALLS:
            continue
        depth, i = 1, match.end()
        while i < len(head) and depth:
            depth += (head[i] == '(') - (head[i] == ')')
            i += 1
        before = head[:match.start()]
        if not re.search(r'\w', re.sub(r'__attribute__\s*\(\(.*?\)\)', '', before)):
            return None
        return match.group(1), before, parameters_of(head[match.end():i - 1])
    return None


def types_of(head):
    """The names that a declaration defines as types."""
    names = []
    tag = re.search(r'\b(?:struct|union|enum)\s+(?:__attribute__\s*\(\(.*?\)\)\s*)?(\w+)\s*\{\}', head)
    if tag:
        names.append(tag.group(1))
    if head.startswith('typedef'):
        pointer = re.search(r'\(\s*\*\s*(\w+)\s*\)', head)
        plain = re.search(r'(\w+)\s*(?:\[[^\]]*\])*\s*(?:__attribute__\s*\(\(.*\)\))?\s*$', head)
        made = pointer or re.search(r'(\w+)\s*\([^()]*\)\s*$', head) or plain
        forward = re.match(r'typedef\s+(?:struct|union|enum)\s+(\w+)\s+(\w+)\s*$', head)
        if made and not (forward and forward.group(1) == forward.group(2)) and made.group(1) not in names:
            names.append(made.group(1))
    return names


def undocumented(source, collective):
    """What the header `source` leaves unsaid, as (place, text)."""
    whole = source.comment_of_file()
    defined = set()
    for begin, end, head in source.declarations():
        above = source.comment_above(begin)
        function = function_of(head)
        if function and re.match(r'nb_|negbank_', function[0]):
            name, before, parameters = function
            if not above.startswith('/**'):
                yield begin, f'{name} has no /** comment */ directly above it'
                continue
            missing = [p for p in parameters if p and p not in ('err', '...') and not re.search(rf'\b{p}\b', above)]
            if missing:
                yield begin, f'{name}: its comment does not name {", ".join(missing)}'
            if re.search(r'\bnb_status\s*$', before):
                returns = above[above.find('@return'):] if '@return' in above else ''
                if not re.search(r'\bNB_(ERR_\w+|OK|STOPPED)\b|\b[Aa]s\b|\bstatus\b', returns):
                    yield begin, f'{name}: no @return that names the statuses it may give'
            if collective and not re.search(r'\bcollective', above + whole, re.I):
                yield begin, f'{name}: neither its comment nor that of the file says whether it is collective'
        elif head.startswith('typedef') or '{}' in head:
            kind = re.match(r'typedef\s+(?:struct|union|enum)\s+(\w+)\s+\1\s*$', head)
            if kind and re.search(rf'\b(?:struct|union|enum)\s+{kind.group(1)}\s*\{{', source.code):
                continue  # its definition follows
            names = types_of(head) or ([kind.group(1)] if kind else [])
            if names and not above and not source.comment_behind(end) and not defined & set(names):
                yield begin, f'type {names[0]} has no comment'
            defined.update(names)


def folder_of(path):
    return path.rsplit('/', 1)[0]


def main(paths):
    sources = [Source(path) for path in paths]
    uses_mpi = {folder_of(s.path) for s in sources if re.search(r'#include [<"](mpi\.h|common/parallel/)', s.text)}
    found, types = [], collections.defaultdict(list)
    for source in sources:
        folder = folder_of(source.path)
        for begin, _, head in source.declarations():
            function = function_of(head)
            if function and len(function[2]) > PARAMETERS_MAX:
                found.append((source.path, source.line(begin), f'{function[0]} takes {len(function[2])} parameters'))
            for name in types_of(head):
                types[name].append((source.path, source.line(begin)))
        if source.path.endswith('.h'):
            found += [(source.path, source.line(at), text) for at, text in undocumented(source, folder in uses_mpi)]
    for name, places in types.items():
        public = name.startswith('nb_') or any(path.endswith('.h') for path, _ in places)
        if public and len(places) > 1:
            found += [(path, line, f'type {name} is defined {len(places)} times') for path, line in places]
    for path, line, text in sorted(found):
        print(f'{path}:{line}: {text}')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
