#!/bin/sh
# Has SeaweedFS sync every write to the bucket to the disk before it answers, and fails if it does not say so.
set -eu
rule="fs.configure -locationPrefix=/buckets/$STORE_BUCKET -fsync=true -apply"
printf '%s\n' "$rule" | weed shell -master="$STORE_MASTER" >/dev/null
printf 'fs.configure\n' | weed shell -master="$STORE_MASTER" | tr -d ' \n' |
    grep -q "\"locationPrefix\":\"/buckets/$STORE_BUCKET\",.*\"fsync\":true" || {
    echo "SeaweedFS at $STORE_MASTER did not take the rule: $rule" >&2
    exit 1
}
