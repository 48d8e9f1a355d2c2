import java.sql.DriverManager;

/**
 * Locks tables of a database until the standard input ends.
 *
 * <p>Arguments: the database's JDBC address, the user, the password, and the names of the tables.
 * Prints "locked" once nobody else can read or write the tables.
 */
public final class LockTables {
  public static void main(String[] arguments) throws Exception {
    try (var connection =
            DriverManager.getConnection(arguments[0], arguments[1], arguments[2]);
        var statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      for (int i = 3; i < arguments.length; i++) {
        statement.execute("LOCK TABLE " + arguments[i] + " IN EXCLUSIVE MODE");
      }
      System.out.println("locked");
      System.in.read();
      connection.rollback();
    }
  }
}
