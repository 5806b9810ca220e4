using WebMessenger.Cluster.Connections;

namespace WebMessenger.Cluster.Tests.Postgres;

public sealed class PgErrorsTests
{
    [Theory]
    [InlineData("Npgsql", true)]
    [InlineData("WebMessenger.Cluster", false)]
    public void A_connection_that_fell_apart_under_Npgsql_is_a_fault_of_the_database_and_a_bug_here_is_none(string source, bool isOf)
    {
        var error = Activator.CreateInstance<NullReferenceException>();
        error.Source = source;

        Assert.Equal(isOf, PgErrors.IsOf(error));
    }
}
