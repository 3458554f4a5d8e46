"""Programs that reach for what is outside: {group: {name: (kinds of failure that are right, body of `main(d)`)}}.

`d` holds "file" (a file with the secret), "folder", "pid" (of another process) and "port" (that something listens on).
"""

T, E = ("tamper",), ("tamper", "error")
C = "import ctypes, os\nlibc = ctypes.CDLL(None)\n"
REACHING = {
    "switching guards off": {
        "the one that tells": (E, "import os\nos.environ._tell = print\nreturn open(d['file']).read()"),
        "a hook of its own": (T, "import sys\nsys.addaudithook(lambda *a: None)"),
        "the hook's state": (T, "import gc\nfor o in gc.get_objects():\n  if getattr(o, '__name__', '') == 'hook': "
            "o.__closure__[0].cell_contents = 1"),
        "the hook's rules": (E, "import sys\nsys.modules['selftaught.sandbox.program'].reached = lambda *a: ''\nreturn "
            "open(d['file']).read()"),
        "the filter off": (T, C + "libc.prctl(22, 0, 0, 0, 0)\nimport socket\nsocket.socket()"),
        "a filter of its own": (T, C + "libc.syscall(317, 1, 0, None)\nlibc.syscall(41, 2, 1, 0)"),
        "privileges back": (T, C + "libc.prctl(38, 0, 0, 0, 0)\nlibc.prctl(24, 21, 0, 0, 0)"),
        "limits off": (E, "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))"),
        "another user": (E, "import os\nos.setuid(0)\nos.setgroups([])\nos.setresuid(1, 1, 1)"),
        "namespaces of its own": (T, C + "libc.unshare(0x10000000)"),
        "namespaces of others": (T, C + "libc.setns(0, 0)"),
        "a mount": (T, C + "libc.mount(b'none', b'/room', b'tmpfs', 0, None)"),
        "an unmount": (T, C + "libc.umount2(b'/', 2)"),
        "another root": (T, "import os\nos.chroot('/room')"),
        "a tracer": (T, C + "libc.ptrace(0, 0, 0, 0)"),
        "the other numbers": (T, C + "libc.syscall(0x40000000 + 41, 2, 1, 0)"),
    },
    "frames": {
        "the caller's": (T, "import sys\nreturn sys._getframe(1).f_locals"),
        "all of them": (T, "import sys\nreturn str(sys._current_frames())"),
        "an error's": (T, "try: 1 / 0\nexcept Exception as e: return e.__traceback__.tb_frame.f_back.f_locals['token']"),
        "a generator's": (T, "g = (x for x in ())\nreturn getattr(g, 'gi_' + 'frame').f_back.f_locals"),
        "by inspect": (E, "import inspect\nreturn [f.frame.f_locals['entry'] for f in inspect.stack()][0]"),
        "a tracing function": (T, "import sys\nsys.settrace(lambda *a: None)"),
        "a profiling function": (T, "import sys\nsys.setprofile(lambda *a: None)"),
        "code that passes as the library's": (T, "exec(compile('import sys; x = sys._getframe(1)', '<frozen os>', 'exec'))"),
        "the heap": (T, "import gc\nreturn [o for o in gc.get_objects() if isinstance(o, dict) and 'answer' in o][0]"),
        "classes": (E, "return [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == 'Sealed'][0].open"),
    },
    "/proc": {
        name: (T, f"return open({path!r}, {mode!r}).read()") for name, path, mode in (
            ("memory", "/proc/self/mem", "rb"), ("environment", "/proc/self/environ", "r"),
            ("the first's environment", "/proc/1/environ", "r"),
            ("maps", "/proc/self/maps", "r"), ("core pattern", "/proc/sys/kernel/core_pattern", "w"), ("keys", "/proc/sysrq-trigger", "w"),
            ("another root", "/proc/1/root/etc/passwd", "r"), ("the parent's memory", "/proc/../proc/1/mem", "rb"),
        )
    } | {
        "processes": (T, "import os\nreturn os.listdir('/proc')"),
        "another process": (T, "return open(f'/proc/{d[\"pid\"]}/environ').read()"),
    },
    "descriptors": {
        "junk into all": (T, "import os\nfor n in range(64):\n  try: os.write(n, b'junk\\n')\n  except OSError: pass"),
        "a forged reply": (T, "import os\nfor n in range(64):\n  try: os.write(n, b'[1.0, \"\"]\\n')\n  except OSError: pass\nos._exit(0)"),
        "another token": (T, "import os\nos.write(3, b'0123456789abcdef {\"value\": \"31337\"}\\n')\nos._exit(0)"),
        "two replies": (T, "import os\nos.write(3, b'a {}\\nb {}\\n')\nreturn 1"),
        "no reply": (("exit",), "import os\nos._exit(0)"),
        "closed": (("exit",), "import os\nos.closerange(0, 64)\nreturn 1"),
        "read what is open": (E, "import os\nreturn [os.read(n, 99).decode() for n in range(4, 64)]"),
        "a terminal": (T, "return open('/dev/tty').read()"),
        "a disk": (T, "return open('/dev/sda', 'rb').read(9)"),
        "push into a terminal": (T, "import fcntl\nfcntl.ioctl(0, 0x5412, b'x')"),
        "another's, by number": (T, C + "libc.syscall(438, 0, 0, 0)"),
    },
    "symlinks": {
        "to the secret": (T, "import os\nos.symlink(d['file'], 'a')\nreturn open('a').read()"),
        "to a file of the system": (T, "import os\nos.symlink('/etc/passwd', 'a')\nreturn open('a').read()"),
        "to write through": (T, "import os\nos.symlink(d['folder'], 'a')\nopen('a/made', 'w').write('x')"),
        "hard": (T, "import os\nos.link('/usr/lib/os-release', 'a')"),
        "dots": (E, "return open('/room/..' + d['file']).read()"),
        "rename out": (E, "import os\nopen('a', 'w').close()\nos.rename('a', d['folder'] + '/made')\nos.rename('/usr', 'b')"),
        "remove": (E, "import os\nos.remove(d['file'])"),
        "into the library": (T, "import os\nopen(os.__file__, 'a').write('x')"),
        "list the machine": (T, "import os\nreturn os.listdir('/')"),
        "by handle": (T, C + "libc.syscall(304, 0, None, 0)"),
    },
    "sockets": {
        "to a port": (T, "import socket\nsocket.create_connection(('127.0.0.1', d['port'])).sendall(b'x')"),
        "datagrams": (T, "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM)"),
        "abstract": (T, "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0x')"),
        "raw": (T, "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_RAW, 1)"),
        "netlink": (T, "import socket\nsocket.socket(socket.AF_NETLINK, socket.SOCK_RAW)"),
        "a name": (T, "import socket\nreturn socket.getaddrinfo('example.org', 80)[0][0]"),
        "a page": (T, "import urllib.request\nreturn urllib.request.urlopen('http://example.org').read().decode()"),
        "by number": (T, C + "libc.syscall(41, 2, 1, 0)"),
        "rings": (T, C + "libc.syscall(425, 8, None)"),
    },
    "signals": {
        "to the parent": (T, "import os\nos.kill(os.getppid(), 9)"),
        "to another": (T, "import os\nos.kill(d['pid'], 9)"),
        "to all": (T, "import os\nos.kill(-1, 9)"),
        "to the group": (T, "import os\nos.killpg(0, 9)"),
        "by descriptor": (T, C + "libc.syscall(434, d['pid'], 0)"),
        "queued": (T, C + "libc.syscall(129, d['pid'], 9, None)"),
        "to its thread": (T, "import signal, threading\nsignal.pthread_kill(threading.get_ident(), 9)"),
    },
    "forks": {
        "fork": (T, "import os\nos.fork()"),
        "a terminal's": (T, "import os\nos.forkpty()"),
        "a shell": (T, "import os\nos.system('true')"),
        "subprocess": (T, "import subprocess\nsubprocess.run(['/bin/true'])"),
        "spawn": (T, "import os\nos.posix_spawn('/bin/true', ['true'], {})"),
        "exec": (T, "import os\nos.execv('/bin/true', ['true'])"),
        "multiprocessing": (E, "import multiprocessing\nmultiprocessing.Process(target=print).start()"),
        "by number": (T, C + "libc.syscall(57)"),
        "clone": (T, C + "libc.syscall(56, 17, 0, 0, 0, 0)"),
        "a bomb": (T, C + "while True: libc.fork()"),
    },
    "daemons": {
        "a session": (T, "import os, time\nif not os.fork():\n  os.setsid(); time.sleep(1); open(d['folder'] + '/made', 'w')"),
        "twice": (T, "import os\nif not os.fork() and not os.fork(): open(d['folder'] + '/made', 'w')"),
        "a timetable": (T, "open('/var/spool/cron/root', 'w').write('* * * * * true')"),
        "a start-up file": (T, "open('/etc/profile', 'a').write('true')"),
        "a hook of Python's": (T, "import site, os\nopen(os.path.dirname(os.__file__) + '/sitecustomize.py', 'w')"),
    },
}  # fmt: skip
