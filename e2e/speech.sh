#!/bin/bash
# speech.sh FILE: writes half a minute of speech as an Ogg Opus file, in packets of 20 ms.
set -euo pipefail
out=${1:?the file to write is missing}
"$(dirname "$0")/../scripts/need" espeak-ng opusenc
wav=$(mktemp --suffix=.wav)
trap 'rm -f "$wav"' EXIT
espeak-ng -v en -s 150 -w "$wav" "Good morning, everybody. Alice speaks first today, and she will speak for a while.
Every word of this goes through the server in small packets, fifty of them in each second, and what arrives at the other end has to be what was sent,
byte for byte and in the same order. The server opens none of the packets. It writes a new header, seals the packet for each listener and sends it on its way.
If one of them were missing, or came twice, or came too late, somebody at the other end would hear it, and this test would say so."
opusenc --quiet --framesize 20 --bitrate 40 "$wav" "$out"
