"""A web server for publish and pull: nginx on a free port of the loopback, that serves and takes files below a folder."""
import os
import shutil
import socket
import subprocess
import time

CONFIGURATION = """daemon off; master_process off; worker_processes 1; pid "{home}/pid"; error_log "{home}/error"; {user}
events {{ worker_connections 64; }}
http {{
    access_log off; client_body_temp_path "{home}/body"; proxy_temp_path "{home}/p"; fastcgi_temp_path "{home}/f";
    uwsgi_temp_path "{home}/u"; scgi_temp_path "{home}/s"; client_max_body_size 0;
    server {{
        listen 127.0.0.1:{port}; root "{root}";
        location / {{ dav_methods PUT DELETE MKCOL COPY MOVE; create_full_put_path on; }}
    }}
}}
"""


class Server:
    """`address` is None where there is no nginx."""

    def __init__(self, root, home):
        self.process, self.address = None, None
        if not shutil.which("nginx"):
            return
        os.mkdir(home)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        file = os.path.join(home, "conf")
        with open(file, "w") as f:
            f.write(CONFIGURATION.format(home=home, root=root, port=port, user="user root;" if os.getuid() == 0 else ""))
        self.process = subprocess.Popen(["nginx", "-c", file, "-p", home], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(3000):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    self.address = f"http://127.0.0.1:{port}"
                    return
            time.sleep(0.02)

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
