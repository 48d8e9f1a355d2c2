import java.sql.DriverManager;
import java.sql.SQLException;

/** Says whether a database lets a user in: arguments are its address, the user and the password. */
public final class DerbyLogin {
  public static void main(String[] arguments) {
    try (var connection =
        DriverManager.getConnection(arguments[0], arguments[1], arguments[2])) {
      System.out.println("in as " + connection.getMetaData().getUserName());
    } catch (SQLException error) {
      System.out.println("refused: " + error.getSQLState() + " " + error.getMessage());
    }
  }
}
