// JSch as a scheduled export uses it: `Put put FILE...` or `Put get PATH`.
import com.jcraft.jsch.ChannelSftp;
import com.jcraft.jsch.JSch;
import com.jcraft.jsch.Session;
import java.nio.file.Path;

public class Put {
  public static void main(String[] arguments) throws Exception {
    Session session =
        new JSch().getSession(System.getenv("USERNAME"), "127.0.0.1", Integer.parseInt(System.getenv("PORT")));
    session.setPassword(System.getenv("PASSWORD"));
    session.setConfig("StrictHostKeyChecking", "no");
    try {
      session.connect();
      ChannelSftp sftp = (ChannelSftp) session.openChannel("sftp");
      sftp.connect();
      for (int at = 1; at < arguments.length; at++) {
        String name = arguments[at];
        if (arguments[0].equals("put")) {
          sftp.put(name, "/" + Path.of(name).getFileName());
        } else {
          sftp.get("/" + name, System.out);
        }
      }
    } catch (Exception error) {
      System.err.println(error.getMessage());
      System.exit(1);
    } finally {
      session.disconnect();
    }
  }
}
