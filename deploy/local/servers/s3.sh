# shellcheck shell=bash disable=SC2034,SC2154
# S3Proxy over a folder: a server that speaks S3. Its buckets are folders of its data.
version=4.1.0
variable=S3_URL
ports=(http)
# Of all its jars together.
sha256=0be2dae76bec0ae32e329488ddc5160ba2a61e1bb8e78b74c8617b0252b9979e

install_key() { sha256sum <"$local_folder/servers/shared/s3-pom.xml" | printf -- '-%.8s' "$(cat)"; }

install() {
  mvn --batch-mode --quiet --file "$local_folder/servers/shared/s3-pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$1/lib"
  cd "$1/lib"
  if [[ $(LC_ALL=C sha256sum -- *.jar | sha256sum) != "$sha256 "* ]]; then
    echo "the jars are not those that are known; of them all: $(LC_ALL=C sha256sum -- *.jar | sha256sum)" >&2
    return 1
  fi
}

external_url() { url_in_variable; }

start() {
  mkdir -p buckets
  cat >s3.conf <<END
s3proxy.endpoint=http://127.0.0.1:${port[http]}
s3proxy.authorization=aws-v2-or-v4
s3proxy.identity=vecferry
s3proxy.credential=vecferry-secret
jclouds.provider=filesystem-nio2
jclouds.identity=-
jclouds.credential=-
jclouds.filesystem.basedir=$data/buckets
END
  cat >logback.xml <<END
<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d %-5level %logger{0} - %msg%n</pattern></encoder></appender>
  <root level="WARN"><appender-ref ref="OUT"/></root>
</configuration>
END
  exec java -Xmx256m -XX:+UseSerialGC -Dlogback.configurationFile=logback.xml -cp "$installed/lib/*" org.gaul.s3proxy.Main --properties s3.conf
}

# It lets nobody in without a key, but says so.
ready() {
  timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && printf "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" >&3 && head -1 <&3' \
    "${port[http]}" 2>/dev/null | grep -q 403
}

url() { echo "http://127.0.0.1:${port[http]}"; }
