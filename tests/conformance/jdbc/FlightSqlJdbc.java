import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Time;
import java.sql.Timestamp;
import java.sql.Types;
import java.util.Arrays;
import java.util.Properties;

/** What tools that speak JDBC do, each as one check; the exit code is the number of failures. */
public class FlightSqlJdbc {
  interface Check {
    Object run() throws Exception;
  }

  static int failures = 0;

  static void check(String name, Object expected, Check check) {
    String found;
    try {
      found = String.valueOf(check.run());
    } catch (Throwable error) {
      found = error.toString().split("\n")[0];
    }
    boolean good = found.equals(String.valueOf(expected));
    failures += good ? 0 : 1;
    System.out.println((good ? "ok   " : "FAIL ") + name + (good ? "" : ": " + found + ", not " + expected));
  }

  static String rows(ResultSet opened) throws SQLException {
    StringBuilder text = new StringBuilder();
    try (ResultSet results = opened) {
      int columns = results.getMetaData().getColumnCount();
      while (results.next()) {
        for (int i = 1; i <= columns; i++) text.append(results.getObject(i)).append(i < columns ? "," : ";");
      }
    }
    return text.toString();
  }

  static String query(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement(); ResultSet results = statement.executeQuery(sql)) {
      return rows(results);
    }
  }

  static int update(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      return statement.executeUpdate(sql);
    }
  }

  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    properties.put("user", "anybody");
    properties.put("password", arguments[1]);
    String url = "jdbc:arrow-flight-sql://" + arguments[0] + "/?useEncryption=false";
    try (Connection connection = DriverManager.getConnection(url, properties)) {
      statements(connection);
      parameters(connection);
      metadata(connection.getMetaData());
      transactions(connection);
    }
    System.exit(failures);
  }

  static void statements(Connection c) {
    check("a query", "42,x;", () -> query(c, "SELECT 42 AS a, 'x' AS b"));
    check("a definition", 0, () -> update(c, "CREATE OR REPLACE TABLE small (i INTEGER)"));
    check("an update", 2, () -> update(c, "INSERT INTO small VALUES (1), (2)"));
    check("many rows", "300000;", () -> query(c, "SELECT count(*) FROM (SELECT i FROM range(300000) t(i))"));
    check("an error", true, () -> {
      try {
        return query(c, "SELECT nowhere");
      } catch (SQLException error) {
        return error.getMessage().contains("[QUERY_ERROR]") && !error.getMessage().contains("Traceback");
      }
    });
  }

  static void parameters(Connection c) {
    check("a table of every type", 0, () -> update(c, "CREATE OR REPLACE TABLE typed (i INTEGER, l BIGINT, s SMALLINT,"
        + " t TINYINT, d DOUBLE, f FLOAT, n DECIMAL(12, 3), v VARCHAR, b BOOLEAN, y BLOB, dt DATE, tm TIME, ts TIMESTAMP)"));
    check("an insert of every type", 1, () -> {
      try (PreparedStatement p = c.prepareStatement("INSERT INTO typed VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)")) {
        p.setInt(1, 3);
        p.setLong(2, 4);
        p.setShort(3, (short) 5);
        p.setByte(4, (byte) 6);
        p.setDouble(5, 1.5);
        p.setFloat(6, 2.5f);
        p.setBigDecimal(7, new BigDecimal("12.345"));
        p.setString(8, "text");
        p.setBoolean(9, true);
        p.setBytes(10, new byte[] {1, 2});
        p.setDate(11, Date.valueOf("2024-02-29"));
        p.setTime(12, Time.valueOf("12:30:00"));
        p.setTimestamp(13, Timestamp.valueOf("2024-02-29 12:30:00"));
        return p.executeUpdate();
      }
    });
    check("what was inserted", "3,4,5,6,1.5,2.5,12.345,text,true,2;", () -> query(c,
        "SELECT i, l, s, t, d, f, n, v, b, octet_length(y) FROM typed"));
    for (String column : "i,l,s,t,d,f,n,v,b,y,dt,tm,ts".split(",")) {
      check("a null in " + column, 1, () -> {
        try (PreparedStatement p = c.prepareStatement("INSERT INTO typed (" + column + ") VALUES (?)")) {
          p.setNull(1, Types.NULL);
          return p.executeUpdate();
        }
      });
    }
    check("a query with parameters", "text;", () -> {
      try (PreparedStatement p = c.prepareStatement("SELECT v FROM typed WHERE n > ? AND v LIKE ? LIMIT ?")) {
        p.setBigDecimal(1, new BigDecimal("12.000"));
        p.setString(2, "t%");
        p.setLong(3, 5);
        try (ResultSet results = p.executeQuery()) {
          return rows(results);
        }
      }
    });
    check("a batch", 1000, () -> {
      try (PreparedStatement p = c.prepareStatement("INSERT INTO small VALUES (?)")) {
        for (int i = 0; i < 1000; i++) {
          p.setInt(1, i);
          p.addBatch();
        }
        return Arrays.stream(p.executeBatch()).sum();
      }
    });
  }

  static void metadata(DatabaseMetaData m) {
    for (Method method : DatabaseMetaData.class.getMethods()) {
      Class<?> type = method.getReturnType();
      if (method.getParameterCount() == 0 && (type == String.class || type == int.class || type == boolean.class)) {
        check(method.getName(), true, () -> {
          method.invoke(m);
          return true;
        });
      }
    }
    check("product", "HatiData", m::getDatabaseProductName);
    check("catalogs", "hatidata;", () -> rows(m.getCatalogs()));
    check("schemas", "main,hatidata;", () -> rows(m.getSchemas("hatidata", "mai_")));
    check("table types", "TABLE;VIEW;", () -> rows(m.getTableTypes()));
    check("tables", true, () -> rows(m.getTables(null, "main", "cust%", new String[] {"TABLE"}))
        .startsWith("hatidata,main,customers,TABLE"));
    check("columns", 4L, () -> rows(m.getColumns(null, null, "customers", null)).chars().filter(x -> x == ';').count());
    check("primary keys", true, () -> rows(m.getPrimaryKeys(null, null, "customers")).contains("customers,id,1"));
    check("imported keys", true, () -> rows(m.getImportedKeys(null, null, "orders")).contains("orders,customer_id,1"));
    check("exported keys", true, () -> rows(m.getExportedKeys(null, null, "customers")).contains("orders,customer_id"));
    check("cross reference", true, () -> rows(m.getCrossReference(null, null, "customers", null, null, "orders"))
        .contains("customers,id"));
  }

  /** The driver's own commit() and rollback() do nothing (18.3), so tools need the SQL text. */
  static void transactions(Connection c) throws SQLException {
    c.setAutoCommit(false);
    check("a roll-back", "0;", () -> {
      update(c, "BEGIN");
      update(c, "INSERT INTO small VALUES (-1)");
      update(c, "ROLLBACK");
      return query(c, "SELECT count(*) FROM small WHERE i = -1");
    });
    check("a commit", "1;", () -> {
      update(c, "BEGIN");
      update(c, "INSERT INTO small VALUES (-1)");
      update(c, "COMMIT");
      return query(c, "SELECT count(*) FROM small WHERE i = -1");
    });
  }
}
