# Completion in bash of coterie, cluster-admin, coterie-bench and coterie-node.
# tests/process/install_test.py holds it to what their --help says.

# The commands of a program.
_coterie_commands() {
  case $1 in
    coterie) echo get put delete import export compare ;;
    cluster-admin)
      echo status members ring explain handoff repair verify scrub join leave replace weight \
        zone remove plan commit unstage clear abort pause resume drain bucket force-lineage \
        transfers config ;;
    coterie-bench) echo probe compare sweep plot ;;
  esac
}

# The options of a program and, if one was given, its command.
_coterie_options() {
  local asked='--seed --bucket --json --deadline'
  local measured='--connections --threads --records --load-most --value-size --warm-up --duration'
  local started='--directory --node --shards --label --html --json'
  local bulk='--format --progress --in-flight'
  case "$1 $2" in
    'coterie get') echo --help $asked --r --sort-key --sloppy --strict ;;
    'coterie put')
      echo --help $asked --r --w --sort-key --context --blind --time-to-live --sloppy --strict ;;
    'coterie delete') echo --help $asked --r --w --sort-key --context --sloppy --strict ;;
    'coterie import') echo --help $asked --w $bulk --retry-for --overwrite ;;
    'coterie export') echo --help $asked --r $bulk ;;
    'coterie compare') echo --help $asked --r $bulk --retry-for ;;
    'cluster-admin status') echo --help --node --json --watch ;;
    'cluster-admin transfers') echo --help --node --json --watch --all ;;
    'cluster-admin join') echo --help --node --json --weight --zone --yes ;;
    'cluster-admin leave' | 'cluster-admin remove') echo --help --node --json --yes --force ;;
    'cluster-admin bucket')
      echo --help --node --json --r --w --time-to-live --durability --resolver --sloppy ;;
    'cluster-admin force-lineage') echo --help --node --json --yes ;;
    'cluster-admin replace') echo --help --node --json --dead ;;
    'cluster-admin plan') echo --help --node --json --all ;;
    'cluster-admin commit' | 'cluster-admin drain') echo --help --node --json --force ;;
    'cluster-admin weight' | 'cluster-admin zone' | 'cluster-admin unstage' | \
      'cluster-admin clear' | 'cluster-admin abort' | 'cluster-admin pause' | \
      'cluster-admin resume' | \
      'cluster-admin members' | 'cluster-admin handoff' | 'cluster-admin config')
      echo --help --node --json ;;
    'cluster-admin ring') echo --help --node --json --partition ;;
    'cluster-admin repair')
      echo --help --node --json --member --partition --bucket --cancel --accept-loss --yes ;;
    'cluster-admin verify') echo --help --node --json --member --partition --bucket --cancel ;;
    'cluster-admin scrub') echo --help --node --json --status --cancel ;;
    'cluster-admin explain') echo --help --node --json --bucket --sort-key --base64 ;;
    'coterie-bench ')
      echo --help --version --seed --bucket --r --w --deadline --workload --read-ratio --keys \
        --records --value-size --key-prefix --load --learn --load-only --connections --pipeline \
        --threads --rate --arrivals --backlog --in-flight --warm-up --duration --count \
        --random-seed \
        --server-pids --json --progress ;;
    'coterie-bench probe')
      echo --help --connections --pipeline --message-bytes --directory --write-bytes --duration \
        --json ;;
    'coterie-bench compare')
      echo --help $measured $started --systems --rounds --pipeline --probe --no-curve --save \
        --result ;;
    'coterie-bench sweep')
      echo --help $measured $started --seed --system --bucket --read-ratio --shares \
        --server-pids ;;
    'coterie-bench plot') echo --help --directory ;;
    'coterie-node ') echo --help --version --config --check-config --print-settings --recover-as \
      --discard-data ;;
    *) echo --help --version ;;
  esac
}

# What may follow an option; fails for an option that takes no value. A dash stands for a value
# that cannot be guessed.
_coterie_values() {
  case $2 in
    --r | --w) echo 1 2 3 4 5 6 7 quorum all ;;
    --format) echo tsv jsonl ;;
    --progress)
      if [ "$1" = coterie ]; then echo auto bar lines none; else echo auto lines none; fi ;;
    --workload) echo a b c d f ;;
    --keys) echo uniform zipfian latest ;;
    --arrivals) echo poisson fixed ;;
    --seed | -s | --bucket | -b | --deadline | --sort-key | --context | --time-to-live | \
      --in-flight | --retry-for | --node | -n | --weight | --zone | --member | -m | --partition | -p | --read-ratio | --records | \
      --value-size | --key-prefix | --connections | --pipeline | --threads | -t | --rate | \
      --backlog | --warm-up | --duration | --count | --random-seed | --server-pids | \
      --message-bytes | --write-bytes | --load-most | --shards | --label | --systems | --system | \
      --rounds | --probe | --shares | --recover-as)
      echo - ;;
    --durability) echo commit interval ;;
    --resolver) echo siblings lww ;;
    --directory) echo directory ;;
    --config | --html | --save | --result) echo file ;;
    -c) if [ "$1" = coterie-node ]; then echo file; else echo -; fi ;;
    *) return 1 ;;
  esac
}

_coterie() {
  local program=${1##*/} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local command='' commands known given index
  COMPREPLY=()
  commands=$(_coterie_commands "$program")
  for ((index = 1; index < COMP_CWORD; ++index)); do
    given=${COMP_WORDS[index]}
    for known in $commands; do
      if [ "$given" = "$known" ]; then command=$known && break 2; fi
    done
  done
  # bash splits --option=value at the sign.
  if [ "$word" = = ]; then word=''; fi
  if [ "$before" = = ]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi

  local values
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_coterie_options "$program" "$command")" -- "$word")
  elif values=$(_coterie_values "$program" "$before"); then
    case $values in
      -) ;;
      file) _coterie_paths -f "$word" ;;
      directory) _coterie_paths -d "$word" ;;
      *) mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word") ;;
    esac
  elif [ -z "$command" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$word")
  elif [ "$command" = import ] || [ "$command" = plot ] ||
    { [ "$program" = coterie ] && [ "$command" = compare ]; }; then
    _coterie_paths -f "$word"
  fi
}

_coterie_paths() {
  mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
  compopt -o filenames 2> /dev/null
}

complete -F _coterie coterie cluster-admin coterie-bench coterie-node
