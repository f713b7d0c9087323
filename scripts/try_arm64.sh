#!/usr/bin/env bash
# The arm64 package answers its golden pictures on this x86_64 machine: qemu, an aarch64 Python 3.13, and the libstdc++ of gcc 11,
# which is what Amazon Linux 2023 has: its newest symbols are GLIBCXX_3.4.29. The wheel's own library must be refused there.
# For Debian 12, as root once: apt-get install binutils-aarch64-linux-gnu
#   scripts/try_arm64.sh [BUNDLE]
set -euo pipefail

bundle=${1:-models/intel-scenes}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 '/debian/$')

# from SUITE ARCHITECTURE TARGET PACKAGE...: unpack packages of Debian, without installing any
from() {
    local suite=$1 architecture=$2 target=$3 own=$folder/apt-$1-$2
    shift 3
    mkdir -p "$own"/{lists/partial,cache/archives/partial,debs} "$target"
    touch "$own/status"
    echo "deb [arch=$architecture] $mirror $suite main" >"$own/sources.list"
    local options=(-qq -o "APT::Architecture=$architecture" -o "APT::Architectures::=$architecture" -o "APT::Sandbox::User=root"
        -o "Dir::Etc::sourcelist=$own/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$own/lists"
        -o "Dir::State::status=$own/status" -o "Dir::Cache=$own/cache")
    apt-get "${options[@]}" update
    (cd "$own/debs" && apt-get "${options[@]}" download "$@")
    for package in "$own"/debs/*.deb; do dpkg -x "$package" "$target"; done
}

echo "1. an aarch64 Python 3.13, and a qemu that knows /proc/cpuinfo (7.2 does not, and LiteRT needs it)"
from trixie arm64 "$folder/root" python3.13-minimal libpython3.13-minimal libpython3.13-stdlib libc6 zlib1g libexpat1 libssl3t64 \
    libcrypt1 libbz2-1.0 liblzma5 libffi8 libgcc-s1 libzstd1
ln -s usr/lib "$folder/root/lib"
from trixie amd64 "$folder/qemu" qemu-user

echo "2. the libstdc++ of gcc 11, linked from its own objects"
from bookworm amd64 "$folder/cross" libstdc++-11-pic-arm64-cross libstdc++-11-dev-arm64-cross libgcc-11-dev-arm64-cross \
    libgcc-s1-arm64-cross libc6-arm64-cross libc6-dev-arm64-cross
gcc=$folder/cross/usr/lib/gcc-cross/aarch64-linux-gnu/11 libc=$folder/cross/usr/aarch64-linux-gnu/lib
mkdir "$folder/lib"
(cd "$folder" && aarch64-linux-gnu-ar x "$gcc/libstdc++.a" compatibility.o)
aarch64-linux-gnu-ld -shared -soname libstdc++.so.6 -o "$folder/lib/libstdc++.so.6" --version-script="$gcc/libstdc++_pic.map" \
    --eh-frame-hdr "$libc/crti.o" "$gcc/crtbeginS.o" --whole-archive "$gcc/libstdc++_pic.a" --no-whole-archive \
    "$folder/compatibility.o" "$libc/libgcc_s.so.1" "$gcc/libgcc.a" "$libc/libm.so.6" "$libc/libc.so.6" "$libc/libc_nonshared.a" \
    "$libc/ld-linux-aarch64.so.1" "$gcc/crtendS.o" "$libc/crtn.o"
readelf -V "$folder/lib/libstdc++.so.6" | grep -o 'GLIBCXX_[0-9.]*' | sort -Vu | tail -1

echo "3. the package"
python -m scenelet package "$bundle" --arch arm64 --out "$folder/package.zip" | tail -2
python -m zipfile -e "$folder/package.zip" "$folder/task"
wheel=$(ls ~/.cache/scenelet/wheels/aarch64-3.13/ai_edge_litert-*.whl)
python -m zipfile -e "$wheel" "$folder/wheel"
run() { "$folder/qemu/usr/bin/qemu-aarch64" -L "$folder/root" -E LD_LIBRARY_PATH="$folder/lib" "$folder/root/usr/bin/python3.13" -I -c "$@"; }

echo "4. the wheel's own library, which must be refused"
if run 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$folder/wheel/ai_edge_litert/libLiteRt.so" 2>"$folder/said"; then
    echo "it was loaded: this shows nothing" && exit 1
fi
tail -1 "$folder/said" | sed "s|$folder/||g"

echo "5. the package's golden pictures"
SCENELET_LOG=none run '
import base64, json, os, pathlib, sys
root = pathlib.Path(sys.argv[1])
os.environ["LAMBDA_TASK_ROOT"] = str(root)
sys.path.insert(0, str(root))
from scenelet.serve.aws_lambda import handler
worst = 0.0
for golden in json.loads((root / "bundle/bundle.json").read_text())["golden"]:
    picture = base64.b64encode((root / "bundle" / golden["file"]).read_bytes()).decode()
    found = handler({"image": picture}, None)["probabilities"]
    difference = max(abs(found[name] - value) for name, value in golden["probabilities"].items())
    worst = max(worst, difference)
    print(golden["file"], max(found, key=found.get), f"{difference:.1e}")
print(f"largest difference {worst:.1e}")
sys.exit(worst > 1e-3)
' "$folder/task" 2>/dev/null
