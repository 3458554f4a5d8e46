"""Programs that use too much, look for the answer, or pay themselves; as in `reaching`."""

T, E = ("tamper",), ("tamper", "error")
TIME, MEMORY, OUTPUT, ERROR = ("timeout",), ("memory", "exit", "error"), ("output",), ("error",)
C = "import ctypes, os\nlibc = ctypes.CDLL(None)\n"
USING = {
    "memory": {
        "text": (MEMORY, "return len('x' * (4 << 30))"),
        "a list": (MEMORY, "x = [0]\nwhile True: x += x"),
        "bytes": (MEMORY, "x = []\nwhile True: x.append(bytearray(1 << 24))"),
        "a map": (MEMORY, "import mmap\nx = [mmap.mmap(-1, 1 << 26) for _ in range(999)]"),
        "depth": ((*MEMORY, *TIME), "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(): f()\nf()"),
        "threads": (MEMORY, "import threading, time\nfor _ in range(9999): threading.Thread(target=time.sleep, args=(9,)).start()"),
        "a file in memory": (T, C + "libc.syscall(319, b'x', 0)"),
        "shared": (T, C + "libc.shmget(0, 1 << 30, 0o1600)"),
        "brackets": (MEMORY, "eval('(' * 10 ** 6)"),
    },
    "output": {
        "for ever": (OUTPUT, "while True: print('x' * 999)"),
        "errors for ever": (OUTPUT, "import sys\nwhile True: sys.stderr.write('x' * 999)"),
        "a long value": (OUTPUT, "return 'x' * 10 ** 6"),
        "a deep value": (ERROR, "x = []\nfor _ in range(10 ** 5): x = [x]\nreturn x"),
        "replies for ever": (OUTPUT, "import os\nwhile True: os.write(3, b'x' * 99)"),
        "a large file": (ERROR, "with open('a', 'w') as f: f.write('x' * (8 << 20))"),
        "many large files": (ERROR, "for n in range(99):\n  with open(str(n), 'w') as f: f.write('x' * 10 ** 6)"),
        "many files": ((*ERROR, *TIME), "for n in range(9999): open(str(n), 'w').close()"),
        "many open files": (ERROR, "x = [open(str(n % 9), 'w') for n in range(999)]"),
    },
    "time": {
        "a loop": (TIME, "while True: pass"),
        "a power": (TIME, "return len(str(9 ** 9 ** 9))"),
        "a sum": (TIME, "return sum(range(10 ** 12))"),
        "a pattern": (TIME, "import re\nreturn bool(re.match('(a+)+$', 'a' * 40 + 'b'))"),
        "a sleep": (TIME, "import time\ntime.sleep(100)"),
        "a lock": (TIME, "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()"),
        "every signal ignored": (TIME, "import signal\nfor n in range(1, 32):\n  try: signal.signal(n, "
            "signal.SIG_IGN)\n  except (OSError, ValueError): pass\nwhile True: pass"),
        "streams closed": (TIME, "import os\nos.closerange(0, 64)\nwhile True: pass"),
        "every error caught": (TIME, "while True:\n  try:\n    while True: pass\n  except BaseException: pass"),
        "threads that spin": (TIME, "import threading\nx = [threading.Thread(target=lambda: [0 for _ in iter(int, 1)]) for _ "
            "in range(3)]\n[t.start() for t in x]\n[t.join() for t in x]"),
        "at the end": (TIME, "import sys\nclass Slow:\n  def flush(self):\n    while True: pass\nsys.stdout = Slow()\nreturn 1"),
        "input": (ERROR, "return input()"),
    },
    "the environment and the gold": {
        "one name": (T, "import os\nreturn os.environ.get('SECRET')"),
        "all names": (T, "import os\nreturn dict(os.environ)"),
        "by function": (T, "import os\nreturn os.getenv('SECRET')"),
        "in bytes": (T, "import os\nreturn str(dict(os.environb.items()))"),
        "set": (T, "import os\nos.putenv('SECRET', '1')"),
        "from C": (T, "import ctypes\ngetenv = ctypes.CDLL(None).getenv\ngetenv.restype = ctypes.c_char_p\nreturn "
            "getenv(b'SECRET').decode()"),
        "a file": (E, "return open(d['file']).read()"),
        "a file by number": (E, "import os\nreturn os.read(os.open(d['file'], os.O_RDONLY), 99).decode()"),
        "a file by library": (E, "import linecache\nreturn {'': 1}[linecache.getline(d['file'], 1)] and 1 / 0"),
        "this package": (E, "from selftaught.seals import _get\nreturn 1"),
        "the generator": (E, "import reasoning_gym\nreturn 1"),
        "modules": (E, "import sys\nreturn [vars(m)['entry'] for m in list(sys.modules.values()) if m.__name__.endswith('gym')][0]"),
        "another's memory": (T, C + "libc.syscall(310, d['pid'], None, 0, None, 0, 0)"),
        "keys of the kernel": (T, C + "libc.syscall(250, 0, -3, 0)"),
        "the log of the kernel": (T, C + "libc.syscall(103, 3, None, 0)"),
    },
    "paying oneself": {
        "equal to all": (ERROR, "class A:\n  __eq__ = lambda s, o: True\n  __hash__ = None\nreturn A()"),
        "a number that is none": (ERROR, "return {1j: 1}"),
        "a pickle": (ERROR, "import pickle\nreturn pickle.dumps(print)"),
        "a grade": (T, "import os\nos.write(3, b'1.0\\n')\nreturn 1.0"),
        "no main": (ERROR, "raise SystemExit('31337')"),
    },
    "patching the grader": {
        "a builtin": (ERROR, "import builtins\nbuiltins.float = lambda x=0: 1.0\nbuiltins.getattr = None\nraise ValueError"),
        "the zygote": (ERROR, "import sys\nsys.modules['selftaught.sandbox.zygote'].Zygote.one = lambda *a: {'value': "
            "1}\nraise ValueError"),
        "the keeper": (ERROR, "import selftaught.sandbox.keeper as k\nk.understood = lambda *a: {'value': '31337'}\nraise ValueError"),
        "the exit": (ERROR, "import os\nos._exit = print\nos.write = print\nraise ValueError"),
        "the checker": (E, "import sys\nsys.modules['selftaught.tasks.grading.checkers'].CheckerPool.grade = lambda *a: [1.0]"),
        "code of nothing": (T, "import marshal\nexec(marshal.loads(marshal.dumps(compile('1', 'x', 'exec'))))"),
        "code by hand": (T, "f = lambda: 0\nf.__code__ = type(f.__code__)(0, 0, 0, 0, 0, 0, b'', (), (), (), 'a', 'a', 'a', 0, b'', b'')"),
        "the encoder": (ERROR, "import json\njson.loads = None\nreturn 1"),
    },
}  # fmt: skip
