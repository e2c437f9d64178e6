# Watches over a throwaway Postgres for its owner, and cleans up after it.
#
# Orders come on stdin, a line each. When stdin ends, the owner has ended, by whatever death:
# then the guarded process is told to stop at once and the folder goes. Runs in a process
# group of its own, so that a Ctrl-C on the terminal reaches the owner alone.

folder=$1
guarded=

while read -r order pid; do
    case $order in
        guard) guarded=$pid ;;
        release) guarded= ;;
        *) kill -s "$order" "$pid" 2>/dev/null ;;
    esac
done

if [ -n "$guarded" ]; then
    kill -s QUIT "$guarded" 2>/dev/null
fi

# A server that is just ending may still write a file while its folder is being emptied.
tries=0
until rm -rf "$folder" 2>/dev/null || [ "$tries" -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
