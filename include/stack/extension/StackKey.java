package ventas;

import com.fasterxml.jackson.databind.Module;
import com.fasterxml.jackson.databind.jsontype.NamedType;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.inject.Binder;
import com.google.inject.multibindings.Multibinder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import javax.servlet.DispatcherType;
import javax.servlet.Filter;
import javax.servlet.FilterChain;
import javax.servlet.FilterConfig;
import javax.servlet.ServletException;
import javax.servlet.ServletRequest;
import javax.servlet.ServletResponse;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.apache.druid.initialization.DruidModule;
import org.apache.druid.java.util.http.client.AbstractHttpClient;
import org.apache.druid.java.util.http.client.HttpClient;
import org.apache.druid.java.util.http.client.Request;
import org.apache.druid.java.util.http.client.response.HttpResponseHandler;
import org.apache.druid.server.initialization.jetty.ServletFilterHolder;
import org.apache.druid.server.security.AuthenticationResult;
import org.apache.druid.server.security.Escalator;
import org.apache.druid.server.security.NoopEscalator;
import org.joda.time.Duration;

/**
 * A Druid extension: each process answers only requests that carry the stack's key, and sends the
 * key with its own requests to the others.
 *
 * <p>The proxy before Druid adds the key to what it lets through; the router passes it on.
 */
public final class StackKey implements DruidModule {
  private static final String HEADER = "X-Ventas-Key";
  private static final String KEY = read(System.getProperty("ventas.druid.key"));

  private static String read(String file) {
    try {
      String key = Files.readString(Path.of(file)).strip();
      if (key.isEmpty()) {
        throw new IllegalStateException("The key in " + file + " is empty: any caller has it.");
      }
      return key;
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  @Override
  public void configure(Binder binder) {
    Multibinder.newSetBinder(binder, ServletFilterHolder.class)
        .addBinding()
        .toInstance(new EveryRequest());
  }

  @Override
  public List<? extends Module> getJacksonModules() {
    return List.of(
        new SimpleModule().registerSubtypes(new NamedType(KeySender.class, "ventas")));
  }

  private static final class EveryRequest implements ServletFilterHolder {
    @Override
    public Filter getFilter() {
      return new KeyFilter();
    }

    @Override
    public Class<? extends Filter> getFilterClass() {
      return KeyFilter.class;
    }

    @Override
    public Map<String, String> getInitParameters() {
      return Map.of();
    }

    @Override
    public String getPath() {
      return "/*";
    }

    @Override
    public EnumSet<DispatcherType> getDispatcherType() {
      return EnumSet.of(DispatcherType.REQUEST);
    }
  }

  /** Refuses a request without the key, before any of Druid's code reads it. */
  public static final class KeyFilter implements Filter {
    @Override
    public void init(FilterConfig config) {}

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
        throws IOException, ServletException {
      String given = ((HttpServletRequest) request).getHeader(HEADER);
      if (given != null && MessageDigest.isEqual(bytes(given), bytes(KEY))) {
        chain.doFilter(request, response);
      } else {
        ((HttpServletResponse) response)
            .sendError(HttpServletResponse.SC_FORBIDDEN, "Only the stack's own processes get in.");
      }
    }

    @Override
    public void destroy() {}

    private static byte[] bytes(String text) {
      return text.getBytes(StandardCharsets.UTF_8);
    }
  }

  /** Adds the key to each request that one Druid process sends to another. */
  public static final class KeySender implements Escalator {
    @Override
    public HttpClient createEscalatedClient(HttpClient client) {
      return new AbstractHttpClient() {
        @Override
        public <I, F> ListenableFuture<F> go(
            Request request, HttpResponseHandler<I, F> handler, Duration timeout) {
          return client.go(request.setHeader(HEADER, KEY), handler, timeout);
        }
      };
    }

    @Override
    public AuthenticationResult createEscalatedAuthenticationResult() {
      return NoopEscalator.getInstance().createEscalatedAuthenticationResult();
    }
  }
}
